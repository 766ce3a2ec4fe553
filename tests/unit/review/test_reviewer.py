"""The reviewer as a whole: right fixes of the seeded bugs, and texts that mean no good."""

import time
from pathlib import Path

import pytest

from activities.review.reviewer import find_objections
from activities.review.test_values import collect_values
from hydra_cli.bench.suite import apply_patch, build_tree, read_suite
from hydranet.objection import OBJECTIONS, Objection, describe_notes

SEEDED = Path(__file__).parents[3] / "benchmarks" / "seeded"
_, INSTANCES = read_suite(SEEDED, [])

PLAIN = "def f(x):\n    return x\n"


@pytest.mark.parametrize("name", INSTANCES)
def test_the_right_fix_of_a_seeded_bug_has_no_objection(name: str, tmp_path: Path) -> None:
    def read() -> dict[str, str]:
        return {str(path.relative_to(tmp_path)): path.read_text() for path in (tmp_path / "tree").rglob("*.py")}

    build_tree(INSTANCES[name], tmp_path / "tree")
    before = read()
    apply_patch(SEEDED / name / "gold.patch", tmp_path / "tree")
    hidden = {path.name: path.read_text() for path in (SEEDED / name / "hidden").glob("*.py")}
    values = collect_values(hidden, [])
    assert find_objections(before, read(), values, find_mentions=lambda name: ["elsewhere.py"]) == ()


HOSTILE = {
    "too large": f"{PLAIN}{'x = 1  # padding' * 40_000}",
    "many brackets": f"x = {'(' * 5_000}1{')' * 5_000}\n",
    "many operators": f"x = {'1 + ' * 50_000}1\n",
    "many attributes": f"x = a{'.b' * 20_000}\n",
    "nothing but NUL": "\0" * 1_000,
    "no syntax": "def f(:\n",
    "lone surrogates": "x = '\udc80'\ny = \ud800\n",
    "a lying encoding": "# -*- coding: rot13 -*-\nprint('\u00e9')\n",
    "a huge number": f"def f(x):\n    if x == {'9' * 5_000}:\n        return 1\n    return x\n",
    "odd numbers": "x = 9_\ny = 1__2, 0x_, 1e999, 9.9.9, -0, 1_000_000_000_000_000_000_000\n" + PLAIN,
    "deep blocks": "".join(f"{' ' * depth}if x == {depth}:\n" for depth in range(90)) + f"{' ' * 90}pass\n",
    "many functions": "".join(f"def f{n}(x):\n    return x if x == {n} else {n}\n" for n in range(1_500)),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_stops_the_reviewer(text: str) -> None:
    began = time.monotonic()
    values = collect_values({"tests/test_a.py": text, "tests/a.json": text}, ["tests/test_a.py::test_f"])
    for before, after in ((PLAIN, text), (text, PLAIN), (text, f"{text}\n")):
        objections = find_objections({"a.py": before}, {"a.py": after}, values, issue=text)
        assert len(objections) <= OBJECTIONS
        assert not any(each.refuses for each in objections)
    assert time.monotonic() - began < 30


def test_a_file_that_can_no_longer_be_read_is_noted() -> None:
    assert [each.rule for each in find_objections({"a.py": PLAIN}, {"a.py": HOSTILE["too large"]})] == ["not-reviewed"]


@pytest.mark.parametrize("path", ["tests/test_a.py", "conftest.py", "README.md", "a.pyi"])
def test_other_files_are_left_alone(path: str) -> None:
    assert find_objections({path: PLAIN}, {path: PLAIN.replace("return", "breakpoint()\n    return")}) == ()


def test_a_file_that_is_deleted_or_as_it_was_is_left_alone() -> None:
    assert find_objections({"a.py": PLAIN, "b.py": PLAIN}, {"a.py": None, "b.py": PLAIN}) == ()


def test_what_refuses_comes_first_and_the_rest_is_cut() -> None:
    body = "".join(f"def f{n}():\n    breakpoint()\n" for n in range(50))
    objections = find_objections({}, {"a.py": f"import sys\n{body}def g():\n    return 'pytest' in sys.modules\n"})
    assert len(objections) == OBJECTIONS
    assert [each.refuses for each in objections[:2]] == [True, False]


def test_notes_tell_rule_and_place() -> None:
    note = Objection(rule="disabled", file="a.py", line=3, text="It is gone.")
    refusal = Objection(rule="special-case", file="b.py", text="It knows 17.", refuses=True)
    assert describe_notes((note, refusal)) == "The reviewer noted: rule disabled: a.py:3: It is gone."
    assert refusal.describe() == "rule special-case: b.py: It knows 17."
