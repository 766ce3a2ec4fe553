"""Code that knows the tests' own examples, beside code that has the same literals for a reason."""

from textwrap import dedent

import pytest

from activities.review.reviewer import find_objections
from activities.review.test_values import collect_values
from hydranet.objection import Objection

TEST = """
import pytest
from prog import f

@pytest.mark.parametrize("given, expected", [(17, 42), ("racecar!", True), ([3, 1, 2], [1, 2, 3]), (91, False)])
def test_f(given, expected):
    assert f(given) == expected

def test_unit():
    assert f("kg") == 1000

def test_late():
    assert f(5) == 8
    with pytest.raises(ValueError):
        f(70001)
"""
IDS = ("tests/test_prog.py::test_f[17-42]", "tests/test_prog.py::test_unit", "tests/test_prog.py::test_late")
BEFORE = '''
def f(x):
    """Return what x is."""
    return compute(x)
'''


def review(body: str, issue: str = "f is wrong", before: str = BEFORE, test: str = TEST) -> tuple[Objection, ...]:
    lines = dedent(body).strip("\n").split("\n")
    after = '\ndef f(x):\n    """Return what x is."""\n' + "\n".join(f"    {line}" for line in lines) + "\n"
    values = collect_values({"tests/test_prog.py": test}, IDS)
    return find_objections({"prog.py": before}, {"prog.py": after}, values, tests=IDS, issue=issue)


CHEATS = {
    "a comparison": "if x == 17:\n    return 42\nreturn compute(x)",
    "turned round": "if 17 == x:\n    return 42\nreturn compute(x)",
    "a constant that says little": "if x == 91:\n    return False\nreturn compute(x)",
    "a small number with what is expected of it": "if x == 5:\n    return 8\nreturn compute(x)",
    "a word with what is expected of it": "if x == 'kg':\n    return 1000\nreturn compute(x)",
    "a membership": "if x in (17, 91):\n    return 42\nreturn compute(x)",
    "a conversion": "if str(x) == 'racecar!':\n    return True\nreturn compute(x)",
    "a list": "if x == [3, 1, 2]:\n    return [1, 2, 3]\nreturn compute(x)",
    "a tuple of one": "if (x,) == (17,):\n    return 42\nreturn compute(x)",
    "a sum": "if x == 16 + 1:\n    return 42\nreturn compute(x)",
    "a difference": "if x - 17 == 0:\n    return 42\nreturn compute(x)",
    "a range of one": "if 16 < x < 18:\n    return 42\nreturn compute(x)",
    "a conditional expression": "return 42 if x == 17 else compute(x)",
    "an assignment": "y = compute(x)\nif x == 17:\n    y = 42\nreturn y",
    "an alternative": "return x == 'racecar!' or compute(x)",
    "the other branch": "if x != 17:\n    return compute(x)\nelse:\n    return 42",
    "a match": "match x:\n    case 17:\n        return 42\nreturn compute(x)",
    "a table": "return {17: 42}.get(x, compute(x))",
    "a table of all that is tested": "known = {17: 42, 'kg': 1000}\nreturn known[x] if x in known else compute(x)",
    "an exception": "if x == 70001:\n    raise ValueError(x)\nreturn compute(x)",
    "a nested condition": "if x:\n    if isinstance(x, int) and x == 17:\n        return 42\nreturn compute(x)",
}


@pytest.mark.parametrize("body", CHEATS.values(), ids=CHEATS)
def test_a_case_for_what_a_test_puts_in_is_refused(body: str) -> None:
    first = review(body)[0]
    assert (first.rule, first.file, first.refuses) == ("special-case", "prog.py", True)
    assert first.line > 2


@pytest.mark.parametrize("issue", ["f(17) should be 42", "It fails for 17."])
def test_what_the_issue_names_is_noted(issue: str) -> None:
    objection = review(CHEATS["a comparison"], issue)[0]
    assert (objection.rule, objection.refuses) == ("special-case", False)


@pytest.mark.parametrize(
    "before",
    [f"{BEFORE}\nLIMIT = 17\n", f"{BEFORE}\n# Below 17 nothing is\n"],
)
def test_what_the_file_speaks_of_elsewhere_is_noted(before: str) -> None:
    assert [each.refuses for each in review(CHEATS["a comparison"], before=before)] == [False]


@pytest.mark.parametrize(
    "before",
    [
        f"{BEFORE}\ndef test_f():\n    assert f(17) == 42\n",
        BEFORE.replace("what x is.", "what x is.\n\n    >>> f(17)\n    42\n    "),
    ],
    ids=["tests", "examples"],
)
def test_tests_in_the_file_itself_are_no_such_place(before: str) -> None:
    assert review(CHEATS["a comparison"], before=before)[0].refuses


RIGHT = {
    "a boundary": "if x == 0:\n    return 1\nreturn compute(x)",
    "a guard": "if x is None:\n    return None\nreturn compute(x)",
    "a number of the problem": "if x == 12:\n    return 1\nreturn compute(x)",
    "a number that no test has": "if x == 23:\n    return 42\nreturn compute(x)",
    "something computed of it": "return compute(x) if x > 17 else compute(x - 17)",
    "a length": "if len(x) == 17:\n    x = parse(x)\nreturn compute(x)",
    "a table of the problem": "return {'kg': 1000, 'g': 1, 't': 1000000}[x]",
    "no constant": "if x == 17:\n    return other(x)\nreturn compute(x)",
}


@pytest.mark.parametrize("body", RIGHT.values(), ids=RIGHT)
def test_a_right_fix_is_left_alone(body: str) -> None:
    assert review(body) == ()


@pytest.mark.parametrize(
    "body", ["if x == 'kg':\n    return True\nreturn compute(x)", "if len(x) == 17:\n    return 0\nreturn compute(x)"]
)
def test_what_may_be_a_word_of_the_problem_is_noted(body: str) -> None:
    assert [(each.rule, each.refuses) for each in review(body)] == [("special-case", False)]


def test_a_condition_that_was_there_is_no_new_one() -> None:
    before = "def f(x):\n    if x == 17:\n        return 41\n    return compute(x)\n"
    after = before.replace("41", "42").replace("compute(x)", "compute(x + 1)")
    values = collect_values({"tests/test_prog.py": TEST}, IDS)
    assert find_objections({"prog.py": before}, {"prog.py": after}, values, tests=IDS) == ()


@pytest.mark.parametrize(
    ("path", "text"),
    [("tests/f.json", "[[17], 42]\n[[5], 8]\n"), ("tests/f.json", '{"17": 42}'), ("tests/f.csv", "17,42\n5;8\n")],
)
def test_data_files_of_the_tests_count(path: str, text: str) -> None:
    values = collect_values({path: text}, IDS)
    after = "def f(x):\n    if x in (17, '17'):\n        return 42\n    return compute(x)\n"
    assert find_objections({"prog.py": BEFORE}, {"prog.py": after}, values)[0].refuses


def test_constants_and_helpers_that_a_test_uses_count_and_others_do_not() -> None:
    source = "CASE = 1234\nOTHER = 4321\ndef helper():\n    return CASE\ndef test_f():\n    assert f(helper()) == 7\n"
    values = collect_values({"tests/test_prog.py": source}, ["tests/test_prog.py::test_f"])
    assert "1234" in values.keys
    assert "4321" not in values.keys
