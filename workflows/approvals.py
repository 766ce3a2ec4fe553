"""What a run asks a person to approve: a verified fix, or a test that a model has drafted."""

from collections.abc import Sequence

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from hydranet.contracts import Review, TestReport
    from hydranet.genealogy import BranchRecord
    from hydranet.person_wait import PersonWait, WaitSubject
    from hydranet.policy.constitution import Decision


def ask_about_fix(
    branch: BranchRecord, report: TestReport, review: Review, supervised: Sequence[Decision]
) -> PersonWait:
    """Return the question whether a branch's fix is to be published, whose verification ended with `report`."""
    return PersonWait(
        subject=WaitSubject.FIX,
        since=workflow.now(),
        why=supervised[0].describe() if supervised else "",
        branch=branch.number,
        attempt=len(branch.attempts),
        diff=review.diff,
        passing=report.passing_count,
        failing=tuple(failure.test for failure in report.known),
        failing_count=report.known_count,
    )


def ask_about_test(report: TestReport) -> PersonWait:
    """Return the question whether a drafted test is to be the target, which fails at the base as `report` says."""
    return PersonWait(
        subject=WaitSubject.TEST,
        since=workflow.now(),
        passing=report.passing_count,
        failing=report.failing,
        failing_count=report.failing_count,
    )
