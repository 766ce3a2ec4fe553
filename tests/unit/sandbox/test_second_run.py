"""What a second run at the base commit shows about names and about the command."""

import pytest

from activities.sandbox.protocol import Execution
from activities.sandbox.results import RecordedTests
from activities.sandbox.second_run import NO_SECOND_RUN, compare_runs, find_stem
from hydranet.contracts import TestResult

ENDED = {"kind": "finish", "status": 0}
DONE = Execution(0, "")


def record(*tests: str, outcome: str = "passed", ended: bool = True) -> RecordedTests:
    lines = [{"kind": "session"}, *({"kind": "test", "id": test, "outcome": outcome} for test in tests)]
    return RecordedTests.of([*lines, *([ENDED] if ended else [])])


def results(*tests: str) -> list[TestResult]:
    return [TestResult(id=test, outcome="passed") for test in tests]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("t.py::test_a[123]", "t.py::test_a[9-x]"),
        ("t.py::test_a[<C object at 0x7f3a>]", "t.py::test_a[<C object at 0x7f3b>]"),
        ("m.C.test_of_2026_11_26", "m.C.test_of_2027_1_2"),
        ("pkg::Test/0xc000", "pkg::Test/0xc111"),
        ("m.C.test_3f2b8c1d9e7a", "m.C.test_aaaa8c1d9e7b"),
    ],
)
def test_the_stem_of_a_name_is_what_does_not_change(first: str, second: str) -> None:
    assert find_stem(first) == find_stem(second)


def test_other_tests_have_other_stems() -> None:
    names = ["t.py::test_a[1]", "t.py::test_b[1]", "u.py::test_a[1]", "t.py::test_a", "m.C.test_added"]
    assert len(set(map(find_stem, names))) == len(names)


def test_names_that_change_are_made_up_for_by_others_of_their_stem() -> None:
    second = compare_runs(results("t::a[1]", "t::a[2]", "t::b"), record("t::a[3]", "t::a[4]", "t::b"), DONE)
    gone = {"t::a[1]", "t::a[2]", "t::b"}
    assert second.find_renamed(gone, {"t::a[5]", "t::a[6]"}, ()) == {"t::a[1]", "t::a[2]"}
    assert second.find_renamed(gone, {"t::a[5]"}, ()) == set()
    assert second.find_renamed(gone, {"t::c[5]", "t::c[6]"}, ()) == set()


def test_what_the_base_lost_too_is_left_out_unless_it_is_the_target() -> None:
    second = compare_runs(results("t::a[1]", "t::a[2]", "t::b"), record("t::b"), DONE)
    gone = {"t::a[1]", "t::a[2]", "t::b"}
    assert second.find_renamed(gone, (), {"t::a[2]"}) == {"t::a[1]"}


def test_a_test_that_was_left_out_has_kept_its_name() -> None:
    second = compare_runs(results("t::a", "t::b"), record("t::b"), DONE, left_out={"t::a"})
    assert second == compare_runs(results("t::b"), record("t::b"), DONE)
    assert not second.changed


@pytest.mark.parametrize(
    ("second", "execution"),
    [
        (record(ended=False), DONE),
        (record("t::b", ended=False), Execution(139, "")),
        (RecordedTests.of([{"kind": "session"}, {"kind": "start", "id": "t::a"}, ENDED]), DONE),
        (RecordedTests.of([{"kind": "test", "id": "b", "outcome": "passed"}, ENDED]), Execution(137, "", reason="x")),
    ],
)
def test_a_run_that_broke_off_shows_nothing(second: RecordedTests, execution: Execution) -> None:
    assert compare_runs(results("t::a"), second, execution) == NO_SECOND_RUN


@pytest.mark.parametrize(
    ("second", "execution", "ending"),
    [
        (record("t::a"), Execution(1, ""), "exit status 1"),
        (record("t::a"), Execution(137, "", reason="timed out after 3 s"), "timed out after 3 s"),
        (record("t::a"), DONE, ""),
        (record("t::a", outcome="failed"), Execution(1, ""), ""),
        (record(), Execution(5, ""), ""),
    ],
)
def test_only_a_command_that_fails_without_a_failing_test_fails_alone(
    second: RecordedTests, execution: Execution, ending: str
) -> None:
    assert compare_runs(results("t::a"), second, execution).ending == ending
