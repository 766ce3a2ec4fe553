"""Judging the tests of a candidate by those of the base commit."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from activities.sandbox.inside.test_names import file_of, list_implied
from activities.sandbox.protocol import Execution
from activities.sandbox.results import (
    ID_LIMIT,
    RecordedTests,
    build_report,
    build_results,
    describe_ending,
    list_tests,
)
from activities.sandbox.second_run import NO_SECOND_RUN, SecondRun
from activities.sandbox.trust import find_distrust, refuse_results
from hydranet.contracts import TestReport, TestResult, TestResults
from hydranet.text.formatting import format_count
from hydranet.text.truncation import keep_start


@dataclass(frozen=True)
class TargetTests:
    """The tests that a candidate has to pass: those that failed at the base commit, and those that passed there.

    Failures of the environment at the base, by their causes in `known`, are in neither. `second` is what a second run
    at the base commit showed, if there was one.
    """

    failing: tuple[TestResult, ...]
    passing: tuple[TestResult, ...]
    baseline: TestResults
    second: SecondRun = NO_SECOND_RUN

    @property
    def names(self) -> set[str]:
        """The ids of the tests that failed at the base commit."""
        return {test.id for test in self.failing}

    def ends_badly(self, execution: Execution) -> bool:
        """Return whether the command ends like this at the base commit too, whatever its tests do."""
        return bool(self.baseline.ending if execution.reason else self.second.ending)

    @property
    def known(self) -> dict[str, str]:
        """The causes of the known failures, by test."""
        return {test.id: test.cause for test in self.baseline.tests if test.is_failing and test.cause}

    @classmethod
    def of(cls, baseline: TestResults) -> TargetTests:
        """Return the target for the test results at the base commit."""
        return cls(
            failing=tuple(test for test in baseline.tests if test.is_target),
            passing=tuple(test for test in baseline.tests if test.outcome == "passed"),
            baseline=baseline,
        )

    @classmethod
    def failing_at(cls, baseline: TestResults) -> TargetTests:
        """Return the target without the tests that passed."""
        return replace(cls.of(baseline), passing=())


@dataclass(frozen=True)
class CandidateRun:
    """The tests of a candidate that ran, and their summary; `index` is its place among the candidates.

    `is_detailed` when it ran once more, with tracebacks; `distrust` says why the result is not believed. It
    `fails_nothing` when its tests ended, none of them failed, and the candidate is refused all the same.
    """

    index: int
    results: TestResults
    report: TestReport
    is_detailed: bool = False
    distrust: str = ""
    fails_nothing: bool = False


def judge_run(
    index: int,
    recorded: RecordedTests,
    execution: Execution,
    target: TargetTests,
    command: str,
    all_ran: bool = True,
) -> CandidateRun:
    """Return the results of a candidate; a test of the target that did not pass fails, whatever it did instead.

    Otherwise a candidate could win by skipping, deselecting or deleting tests, or by a test runner of its own.
    Unless `all_ran`, only the target's failing tests were to run.
    """
    wanted = [*target.failing, *(target.passing if all_ran else ())]
    is_known = recorded.has_ended and command not in target.names and target.ends_badly(execution)
    ran = _mark_known(list_tests(recorded, execution, command, is_known), target, execution, command)
    passed = {test.id for test in ran.values() if test.outcome == "passed"}
    # A file that could not be collected passes with its tests, the command with its exit status.
    passed |= {implied for test in passed for implied in list_implied(test)}
    failed = any(test.is_target for test in ran.values())
    if not failed:
        passed.add(command)
    gone = {test.id for test in wanted} - ran.keys() - passed
    renamed: set[str] = set()
    if recorded.unnamed and _passed_unnamed(len(gone), recorded, execution, target.baseline):
        passed |= gone
    elif target.second.changed:
        others = (passed & ran.keys()) - {test.id for test in target.baseline.tests}
        renamed = target.second.find_renamed(gone, others, target.names)
        passed |= renamed
    missing = {
        test.id: TestResult(id=test.id, outcome="error", message=_explain_absence(ran.get(test.id), execution))
        for test in wanted
        if test.id not in passed and (test.id not in ran or not ran[test.id].is_target)
    }
    if target.baseline.unnamed and all_ran and not failed and not missing:
        fewer = target.baseline.passing_count - recorded.passing_count
        if fewer > 0:
            message = f"{format_count(fewer, 'test')} fewer passed than at the base commit."
            missing[command] = TestResult(id=command[:ID_LIMIT], outcome="error", message=message)
    # The command stands for tests without a name; the missing ones have names.
    replaced = {command, *missing} if missing else set()
    tests = (*(test for test in ran.values() if test.id not in replaced), *missing.values())
    judged = build_results(tests, recorded, execution)
    # Where a test has failed, or the run as a whole, nothing depends on trust.
    sentence = "" if failed else find_distrust(target.baseline, recorded)
    if sentence:
        judged = refuse_results(judged, target.failing, sentence)
    report = build_report(
        judged, recorded, execution, sentence, _explain(target.second.changed if renamed else (), is_known, execution)
    )
    is_explained = report.passed or bool(sentence) or command in target.names
    is_explained |= any(ran[test].is_target for test in recorded.tests)
    fails_nothing = recorded.has_ended and not is_explained
    return CandidateRun(index, judged, report, distrust=sentence, fails_nothing=fails_nothing)


def _explain(changed: Collection[str], is_known: bool, execution: Execution) -> Iterator[str]:
    if changed:
        names = f"{format_count(len(changed), 'test')}, such as {keep_start(min(changed), 120)}"
        yield f"Names change from run to run ({names}): they are compared without what changes, or left out."
    if is_known and execution.exit_status and not execution.reason:
        ending = describe_ending(execution)
        yield f"The test command fails although every test passes, as it does at the base commit: {ending}."


def _passed_unnamed(gone: int, recorded: RecordedTests, execution: Execution, baseline: TestResults) -> bool:
    # Many runners name only the tests that fail. For each name that is gone, one more test has to pass without a name.
    # Our own recorder names every test, so what it does not name did not run.
    named = recorded.tests.keys() - {test.id for test in baseline.tests}
    more = recorded.unnamed + len(named) - baseline.unnamed
    return not recorded.sessions and not execution.reason and more >= gone


def _mark_known(
    ran: dict[str, TestResult], target: TargetTests, execution: Execution, command: str
) -> dict[str, TestResult]:
    # A bad ending that the known failures do not explain stays a failure.
    known = target.known
    tests = {
        name: test.model_copy(update={"cause": cause})
        # A file that could not be collected stands for its tests.
        if test.is_failing and (cause := known.get(name) or known.get(file_of(name)))
        else test
        for name, test in ran.items()
    }
    explained = not execution.reason and execution.exit_status in (0, 1, target.baseline.exit_status)
    if known and not explained and not any(test.is_target for test in tests.values()):
        message = f"Besides known failures, the run ended badly: {describe_ending(execution)}."
        tests[command[:ID_LIMIT]] = TestResult(id=command[:ID_LIMIT], outcome="error", message=message)
    return tests


def _explain_absence(test: TestResult | None, execution: Execution) -> str:
    if test is not None:
        return "The test is skipped now."
    return f"The test did not run: {describe_ending(execution)}."
