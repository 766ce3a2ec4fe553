"""Code that is kept from running, or whose exceptions are kept from being heard."""

import pytest

from activities.review.reviewer import find_objections

BEFORE = """
def f(x, known):
    if not x:
        raise ValueError("x is missing")
    total = known.total(x)
    for part in known.parts:
        total += part
    return total
"""


def review(after: str, before: str = BEFORE) -> set[str]:
    objections = find_objections({"prog.py": before}, {"prog.py": after})
    assert not any(each.refuses for each in objections)
    return {each.rule for each in objections}


DISABLED = {
    "if False": BEFORE.replace("if not x:", "if False:"),
    "and False": BEFORE.replace("if not x:", "if not x and False:"),
    "not True": BEFORE.replace("if not x:", "if not True:"),
    "while 0": BEFORE.replace("for part in known.parts:", "while 0:"),
    "if True": BEFORE.replace("if not x:", "if True:"),
    "an early return": BEFORE.replace("    total = known", "    return 3\n    total = known"),
    "an early continue": BEFORE.replace("        total += part", "        continue\n        total += part"),
    "no body": "\ndef f(x, known):\n    pass\n",
    "a constant": "\ndef f(x, known):\n    return 12\n",
    "no raise": BEFORE.replace('raise ValueError("x is missing")', "return 0"),
    "a comment": BEFORE.replace(
        "    for part in known.parts:\n        total += part", "    # for part in known.parts:"
    ),
    "another comment": BEFORE.replace("total = known.total(x)", "total = 0\n    #total = known.total(x)"),
}


@pytest.mark.parametrize("after", DISABLED.values(), ids=DISABLED)
def test_disabled_code_is_noted(after: str) -> None:
    assert "disabled" in review(after)


def test_a_lost_assertion_is_noted() -> None:
    before = "def f(x):\n    assert x > 0\n    return x\n"
    assert review(before.replace("    assert x > 0\n", ""), before) == {"disabled"}


RIGHT = {
    "another condition": BEFORE.replace("if not x:", "if x is None:"),
    "another exception": BEFORE.replace("ValueError", "TypeError"),
    "a return before it": BEFORE.replace(
        "    total = known", "    if x in known:\n        return 3\n    total = known"
    ),
    "another way": "\ndef f(x, known):\n    if not x:\n        raise ValueError(x)\n    return known.sum(x)\n",
    "a helper": BEFORE.replace('    if not x:\n        raise ValueError("x is missing")\n', "    check(x)\n")
    + "\n\ndef check(x):\n    if not x:\n        raise ValueError\n",
    "a comment that explains": BEFORE.replace("    for part", "    # The parts come after the total.\n    for part"),
    "an endless loop": BEFORE.replace("for part in known.parts:", "while True:"),
}


@pytest.mark.parametrize("after", RIGHT.values(), ids=RIGHT)
def test_code_that_runs_otherwise_is_left_alone(after: str) -> None:
    assert review(after) == set()


def _try(handler: str, then: str) -> str:
    call = "    total = known.total(x)\n"
    return BEFORE.replace(call, f"    try:\n        total = known.total(x)\n    {handler}:\n        {then}\n")


@pytest.mark.parametrize(
    ("handler", "then"),
    [
        ("except", "pass"),
        ("except Exception", "total = 0"),
        ("except BaseException as error", "return None"),
        ("except (KeyError, Exception)", "return -1"),
        ("except builtins.Exception", "..."),
    ],
)
def test_a_swallowed_exception_is_noted(handler: str, then: str) -> None:
    assert review(_try(handler, then)) == {"swallowed-exception"}


def test_a_suppressed_exception_is_noted() -> None:
    after = BEFORE.replace(
        "    total = known", "    with contextlib.suppress(Exception):\n        known.prepare()\n    total = known"
    )
    assert review(after) == {"swallowed-exception"}


@pytest.mark.parametrize(
    ("handler", "then"),
    [
        ("except KeyError", "total = 0"),
        ("except Exception as error", "raise TypeError from error"),
        ("except Exception", "total = known.guess(x)"),
        ("except Exception", "log.exception('no total')\n        total = 0"),
    ],
)
def test_an_exception_that_is_dealt_with_is_left_alone(handler: str, then: str) -> None:
    assert review(_try(handler, then)) == set()
