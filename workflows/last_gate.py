"""The last gate of a fix: verified on a clean checkout, allowed by constitution and reviewer, approved if need be."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from hydranet.contracts import Checkpoint, FixRequest
    from hydranet.genealogy import BranchRecord
    from hydranet.objection import describe_notes
    from hydranet.person_wait import PersonWait
    from hydranet.policy.constitution import Effect
    from workflows import preparation, publication
    from workflows.approvals import ask_about_fix
    from workflows.run_state import RunState


@dataclass(frozen=True)
class Passage:
    """What became of a passing checkpoint at the gate: the `fix` to publish, or why it is `refuted` after all.

    `notes` are what was noted of it all the same.
    """

    fix: Checkpoint
    refuted: str = ""
    notes: str = ""


class LastGate:
    """Judges the passing checkpoints of a run; `begin` says what begins, and `ask` has a person approve."""

    def __init__(
        self,
        request: FixRequest,
        state: RunState,
        prepared: preparation.PreparedRun,
        begin: Callable[[str], Awaitable[None]],
        ask: Callable[[PersonWait], Awaitable[str]],
    ) -> None:
        self._request = request
        self._state = state
        self._prepared = prepared
        self._begin = begin
        self._ask = ask

    async def judge(self, branch: BranchRecord, passed: Checkpoint) -> Passage:
        """Verify a branch's passing checkpoint, and have it reviewed and, if need be, approved."""
        await self._begin(f"verifying b{branch.number:02d} on a clean checkout")
        prepared, state = self._prepared, self._state
        report = await preparation.run_tests(
            self._request,
            prepared.snapshot,
            passed,
            prepared.sandbox,
            "verify on a clean checkout",
            prepared.results,
        )
        state.add_flaky(report)
        state.add_test_notes(report.notes)
        if not report.passed:
            return Passage(passed, f"Verification on a clean checkout failed: {report.reason}")
        review = await publication.review_fix(self._request, state.genealogy, passed, prepared.issue)
        state.add_review(review.decisions)
        state.add_objections(review.objections, branch.number)
        if refused := state.find_decisions(Effect.REFUSED):
            return Passage(passed, f"The constitution refuses to publish it: {refused[0].describe()}")
        if objection := next((each for each in review.objections if each.refuses), None):
            return Passage(passed, f"The reviewer refuses it: {objection.describe()}")
        notes = describe_notes(review.objections)
        supervised = state.find_decisions(Effect.SUPERVISED)
        if not self._request.require_approval and not review.asks_always and not supervised:
            return Passage(passed, notes=notes)
        refuted = await self._ask(ask_about_fix(branch, report, review, supervised))
        return Passage(passed, refuted, notes)
