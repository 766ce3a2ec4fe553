"""Parameters that are no longer used, and signatures that callers elsewhere rely on."""

import pytest

from activities.review.reviewer import find_objections

BEFORE = """
class Cart:
    def total(self, items, discount=0, *, tax=0.2):
        return sum(items) * (1 - discount) * (1 + tax)


def parse(text, strict):
    return read(text, strict)


def _inner(text, strict):
    return read(text, strict)
"""


def review(after: str, *mentions: str) -> list[str]:
    objections = find_objections({"prog.py": BEFORE}, {"prog.py": after}, find_mentions=lambda _: mentions)
    assert not any(each.refuses for each in objections)
    return [each.rule for each in objections]


@pytest.mark.parametrize(("old", "new"), [("* (1 - discount) ", ""), ("read(text, strict)", "read(text, True)")])
def test_a_parameter_that_is_no_longer_used_is_noted(old: str, new: str) -> None:
    assert set(review(BEFORE.replace(old, new, 1))) == {"dead-parameter"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("read(text, strict)", "lambda: read(text, strict)"),
        ("sum(items)", "sum(item.price for item in items)"),
        ("* (1 + tax)", "* (1 + tax if tax else 1)"),
    ],
)
def test_a_parameter_that_is_used_otherwise_is_left_alone(old: str, new: str) -> None:
    assert review(BEFORE.replace(old, new, 1), "other.py") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def parse(text, strict)", "def parse(text)"),
        ("def parse(text, strict)", "def parse(strict, text)"),
        ("def parse(text, strict)", "def parse(source, strict, text=None)"),
        ("def parse(text, strict)", "def parse(text, strict, encoding)"),
        ("def parse(text, strict)", "def parse(text, strict, *, encoding)"),
        ("discount=0", "discount"),
        ("tax=0.2", "tax"),
        ("def total(self, items, discount=0,", "def total(self, discount=0, items=(),"),
        ("def parse(", "def read_all("),
    ],
)
def test_a_signature_that_callers_rely_on_is_noted(old: str, new: str) -> None:
    after = BEFORE.replace(old, new)
    assert "changed-signature" in review(after, "other.py")
    assert "changed-signature" not in review(after)
    assert "changed-signature" not in review(after, "prog.py")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def parse(text, strict)", "def parse(text, strict=False)"),
        ("def parse(text, strict)", "def parse(text, strict, encoding='utf-8')"),
        ("def parse(text, strict)", "def parse(text, strict, *, encoding='utf-8')"),
        ("def parse(text, strict)", "def parse(text: str, strict: bool)"),
        ("*, tax=0.2", "tax=0.2"),
        ("def _inner(text, strict)", "def _inner(strict, text)"),
    ],
)
def test_a_signature_that_takes_more_is_left_alone(old: str, new: str) -> None:
    assert review(BEFORE.replace(old, new), "other.py") == []
