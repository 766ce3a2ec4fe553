"""Which drafts reproduce an issue, by how they fail."""

import pytest

from activities.retrieval.reproduction import judge, list_named
from hydranet.contracts import Expectation, ExpectationKind, Judgement, Place, Spectrum, TestResult, WrittenTest

FILE = "tests/test_issue.py"
PLACES = [Place(file="shop/ages.py", symbol="is_adult", first_line=1, last_line=2)]
FAILS = f"def test():\n>       assert is_adult(18) == 7\nE       assert False == 7\n\n{FILE}:5: AssertionError"
ISSUE = "Somebody who is eighteen is not taken for an adult."


def raised(error: str, *frames: str) -> str:
    lines = "\n\n".join(f"{frame}: in f\n    pass" for frame in frames[:-1])
    return f"{lines}\n\n    pass\nE   {error}\n\n{frames[-1]}: {error.partition(':')[0]}"


def judge_one(
    message: str, issue: str = ISSUE, outcome: str = "failed", code: str = "assert is_adult(18) == 7"
) -> Judgement:
    return judge_drafts({"draft 1": (code, outcome, message), "draft 2": (code, outcome, message)}, issue)


def judge_drafts(
    drafts: dict[str, tuple[str, str, str]], issue: str = ISSUE, reached: tuple[int, ...] = tuple(range(9))
) -> Judgement:
    tests = [
        WrittenTest(name=f"test_{n}", expectation=Expectation(kind=ExpectationKind.RUNS, code=code, source=source))
        for n, (source, (code, _, _)) in enumerate(drafts.items())
    ]
    results = tuple(
        TestResult(id=f"{FILE}::test_{n}", outcome=outcome, message=message)
        for n, (_, outcome, message) in enumerate(drafts.values())
    )
    spectrum = Spectrum(tests=results, lines={"shop/ages.py": {2: reached}, "shop/other.py": {1: tuple(range(9))}})
    return judge(FILE, tests, spectrum, PLACES, issue)


def test_two_drafts_that_assert_the_same_and_fail_are_kept() -> None:
    assert judge_one(FAILS) == Judgement(kept=("test_0", "test_1"))


def test_one_alone_is_kept_only_where_the_issue_names_the_value() -> None:
    alone = {"draft 1": ("assert is_adult(18) == 7", "failed", FAILS)}
    assert judge_drafts(alone).refused == (
        "draft 1: no other draft asserts the same, and the issue does not say what it asserts",
    )
    assert judge_drafts(alone, "It gives 9 where it should be 7").kept == ()
    alone = {"draft 1": ("assert is_adult(18) == 7", "failed", FAILS.replace("False == 7", "9 == 7"))}
    assert judge_drafts(alone, "It gives 9 where it should be 7").kept == ("test_0",)


def test_a_draft_that_asserts_the_same_twice_is_one() -> None:
    both = [("assert is_adult(18) == 7", "failed", FAILS)] * 2
    tests = {f"draft 1{' ' * n}".strip(): draft for n, draft in enumerate(both)}
    assert judge_drafts(tests).kept == ()


@pytest.mark.parametrize(
    ("outcome", "message", "reason"),
    [
        ("passed", "", "it passes at HEAD"),
        ("skipped", "", "it is skipped"),
        ("error", raised("ImportError: no module", f"{FILE}:2"), "it fails by itself"),
        ("failed", raised("NameError: name 'x' is not defined", f"{FILE}:5"), "it fails by itself"),
        ("failed", raised("TypeError: is_adult() takes 1 argument", f"{FILE}:5"), "it fails by itself"),
        ("failed", raised("ValueError: x", f"{FILE}:5", "shop/ages.py:2"), "it ends in an error of which the issue"),
        ("failed", raised("AssertionError", f"{FILE}:5", "shop/ages.py:2"), "it ends in an error of which the issue"),
        ("failed", raised("AssertionError: x", f"{FILE}:5", "tests/helpers.py:2"), "it fails in tests/helpers.py"),
        ("failed", raised("TimeoutError: timed out after 9 s", f"{FILE}:5", "shop/ages.py:2"), "it does not end"),
        ("failed", "", "it fails without a word"),
    ],
)
def test_what_fails_for_another_reason_is_refused(outcome: str, message: str, reason: str) -> None:
    judgement = judge_one(message, outcome=outcome)
    assert judgement.kept == ()
    assert judgement.refused[0].startswith(f"draft 1: {reason}")


@pytest.mark.parametrize(
    ("message", "issue"),
    [
        (raised("ValueError: no age", f"{FILE}:5", "shop/ages.py:2"), "is_adult('') raises ValueError"),
        (raised("shop.errors.NoAge: none", f"{FILE}:5", "shop/ages.py:2"), "It ends with NoAge."),
        (raised("KeyError: 'the missing key'", f"{FILE}:5", "shop/ages.py:2"), "a KeyError comes"),
        (raised("TimeoutError: timed out after 9 s", f"{FILE}:5", "shop/ages.py:2"), "is_adult never returns."),
        (raised("TimeoutError: timed out after 9 s", f"{FILE}:5", "shop/ages.py:2"), "It hangs for 18."),
    ],
)
def test_an_error_of_the_code_counts_where_the_issue_speaks_of_it(message: str, issue: str) -> None:
    alone = {"draft 1": ("assert is_adult(18)", "failed", message)}
    assert judge_drafts(alone, issue).kept == ("test_0",)


def test_a_test_that_reaches_none_of_the_likely_code_is_refused() -> None:
    drafts = {f"draft {n}": ("assert is_adult(18) == 7", "failed", FAILS) for n in (1, 2)}
    judgement = judge_drafts(drafts, reached=())
    assert judgement.kept == ()
    assert "it fails without any of the code that the issue speaks of" in judgement.refused[0]


def test_what_most_drafts_assert_comes_first() -> None:
    other = FAILS.replace("== 7", "== 8")
    drafts = {
        "draft 1": ("assert is_adult(18) == 8", "failed", other),
        "draft 2": ("age = 18\nassert is_adult(age) == 7", "failed", FAILS.replace("(18)", "(age)")),
        "draft 3": ("assert is_adult(18) == 8", "failed", other),
        "draft 4": ("assert is_adult(18) == 7", "failed", FAILS),
        "draft 5": ("assert is_adult(19) == 7", "failed", FAILS.replace("(18)", "(19)")),
        "draft 6": ("assert 7 == is_adult(18)", "failed", FAILS.replace("is_adult(18) == 7", "7 == is_adult(18)")),
    }
    assert judge_drafts(drafts).kept == ("test_3", "test_5", "test_1", "test_0", "test_2")


def test_a_draft_without_a_result_was_not_run() -> None:
    test = WrittenTest(name="test_0", expectation=Expectation(kind=ExpectationKind.RUNS, code="assert f()", source="d"))
    assert judge(FILE, [test], Spectrum(), PLACES, ISSUE).refused == ("d: it was not run",)


@pytest.mark.parametrize(
    ("issue", "named"),
    [
        ("`is_adult` is wrong", {"is_adult"}),
        ("`Person.greet('x')` is wrong", {"greet"}),
        ("is_adult is wrong for greet", {"is_adult"}),
        ("greet('x') is wrong", {"greet"}),
        ("They greet adults", set()),
        ("`other` is wrong", set()),
    ],
)
def test_what_an_issue_writes_as_code_is_named(issue: str, named: set[str]) -> None:
    assert list_named([*PLACES, Place(file="shop/people.py", symbol="Person.greet")], issue) == named


def test_a_draft_that_uses_nothing_of_what_the_issue_names_is_refused() -> None:
    drafts = {f"draft {n}": ("assert can_vote(18) == 7", "failed", FAILS) for n in (1, 2)}
    judgement = judge_drafts(drafts, "`is_adult(18)` is False.")
    assert judgement.kept == ()
    assert judgement.refused[0] == "draft 1: it uses nothing that the issue names, such as is_adult"
