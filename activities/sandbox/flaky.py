"""Tests that change their mind: several runs of the same tree, of which the majority counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from activities.sandbox.results import is_failing, shorten
from hydranet.bounded_models import TESTS
from hydranet.contracts import TestReport, TestResult, TestResults


def settle_flaky(runs: Sequence[TestResults]) -> tuple[TestResults, list[str]]:
    """One result for each test of several runs, and the tests that both passed and failed.

    A test fails when it failed in half of the runs or more. One that appears in some runs only, as the command does
    that stands for a run that ended badly, is not there where it does not fail.
    """
    first = runs[0]
    if len(runs) == 1:
        return first, []
    seen: defaultdict[str, list[TestResult]] = defaultdict(list)
    for run in runs:
        for test in run.tests:
            seen[test.id].append(test)
    tests: list[TestResult] = []
    undecided: list[str] = []
    for name, found in seen.items():
        failed = [test for test in found if is_failing(test)]
        passed = [test for test in found if not is_failing(test)]
        if 0 < len(failed) < len(runs):
            undecided.append(name)
        if failed and 2 * len(failed) >= len(runs):
            tests.append(failed[0])
        elif passed:
            tests.append(passed[0])
    return first.model_copy(update={"tests": tuple(tests)}), undecided


def with_flaky(report: TestReport, undecided: Sequence[str], runs: int) -> TestReport:
    """The report with what is to be said of tests that changed their mind."""
    if not undecided:
        return report
    more = f" and {len(undecided) - 1} more" if len(undecided) > 1 else ""
    said = f"In {runs} runs of the same code {shorten(undecided[0])[:120]}{more} changed from passing to failing."
    return report.model_copy(
        update={
            "flaky": tuple(shorten(name) for name in undecided[:TESTS]),
            "reason": f"{report.reason} {said}".strip()[:300],
        }
    )
