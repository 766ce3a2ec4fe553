"""Trust in a result: whether the test runner that told it could still tell a failure."""

from __future__ import annotations

from collections.abc import Sequence

from activities.sandbox.results import RecordedTests, limit_tests
from hydranet.contracts import TestResult, TestResults


def find_distrust(baseline: TestResults, recorded: RecordedTests) -> str:
    """Return why a run without a failing test is not believed, as a sentence; empty when it is.

    Our own test, which must fail, has to have run wherever it ran at the base commit, and there the test runner has
    to be as it was.
    """
    if baseline.canary and not recorded.has_dead_canary:
        happened = "passed" if "passed" in recorded.canaries else "did not run"
        return f"The result is not trusted: a test of HydraNet's own that must fail {happened}."
    replaced = sorted(set(recorded.replaced) - set(baseline.replaced))
    if baseline.canary and replaced:
        return f"The result is not trusted: the code under test replaces {replaced[0]}, a part of the test runner."
    return ""


def refuse_results(results: TestResults, target: Sequence[TestResult], sentence: str) -> TestResults:
    """Return the results with every test of the target as failing, because of `sentence`."""
    refused = {test.id: TestResult(id=test.id, outcome="error", message=sentence) for test in target}
    kept = tuple(test for test in results.tests if test.id not in refused)
    return results.model_copy(update=limit_tests((*refused.values(), *kept), results.unnamed))
