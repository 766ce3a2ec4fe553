"""Tests that change their mind: the majority counts, and it is said."""

import pytest

from activities.sandbox.results import report_flaky, settle_flaky
from hydranet.contracts import TestReport, TestResult, TestResults
from tests.integration.conftest import Make


def runs(*outcomes: dict[str, str]) -> list[TestResults]:
    return [
        TestResults(tests=tuple(TestResult(id=name, outcome=outcome) for name, outcome in run.items()))
        for run in outcomes
    ]


@pytest.mark.parametrize(
    ("outcomes", "settles", "undecided"),
    [
        (["failed"], "failed", False),
        (["failed", "failed", "failed"], "failed", False),
        (["failed", "passed", "passed"], "passed", True),
        (["failed", "failed", "passed"], "failed", True),
        (["failed", "passed"], "failed", True),
        (["error", "skipped", "skipped"], "skipped", True),
        (["passed", "passed"], "passed", False),
    ],
)
def test_the_majority_counts(outcomes: list[str], settles: str, undecided: bool) -> None:
    found, flaky = settle_flaky(runs(*({"a": outcome} for outcome in outcomes)))
    assert [(test.id, test.outcome) for test in found.tests] == [("a", settles)]
    assert flaky == (["a"] if undecided else [])


def test_a_command_that_broke_once_is_no_test_of_the_others() -> None:
    found, flaky = settle_flaky(runs({"a": "passed", "make test": "error"}, {"a": "passed"}, {"a": "passed"}))
    assert [(test.id, test.outcome) for test in found.tests] == [("a", "passed")]
    assert flaky == ["make test"]


def test_it_is_said() -> None:
    told = report_flaky(TestReport(passed=True), ["t" * 500, "b"], 3)
    assert told.reason.startswith("In 3 runs of the same code ttt")
    assert "and 1 more changed from passing to failing." in told.reason
    assert len(told.flaky) == 2
    assert report_flaky(told, [], 3) == told


FLAKY = """
DIGITS = {digits!r}

def test_steady():
    assert True

def test_changes_its_mind():
    assert open("/proc/sys/kernel/random/uuid").read()[0] in DIGITS
"""


async def test_a_test_that_passes_now_and_then_is_told_as_that(project: Make) -> None:
    """Half of the first digits pass: nine runs of ten disagree, and one that does not is run again."""
    made = await project({"test_a.py": FLAKY.format(digits="01234567")}, flaky_reruns=4)
    for _ in range(20):
        report = await made.test()
        assert report.passing_count + report.failing_count == 2
        if report.flaky:
            break
    assert report.flaky == ("test_a.py::test_changes_its_mind",)
    assert "changed from passing to failing" in report.reason
    assert report.passed == (report.failing_count == 0)
