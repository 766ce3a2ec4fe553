"""The last gate of a fix: formatted, verified on a clean checkout, reviewed, and approved if need be."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.sandbox.activities import SandboxActivities
    from hydranet.contracts import Checkpoint, CommitRequest, FixRequest, FormatRequest, Formatting, Review, TestReport
    from hydranet.genealogy import BranchRecord
    from hydranet.objection import Objections, describe_notes
    from hydranet.person_wait import PersonWait
    from hydranet.policy.constitution import Effect
    from hydranet.text.formatting import join_words
    from workflows import preparation, publication
    from workflows.advice import ModelAdvice
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
        """Have a branch's passing checkpoint formatted, verified, reviewed and, if need be, approved."""
        state = self._state
        fix, formatters = await self._format(branch, passed)
        await self._begin(f"verifying b{branch.number:02d} on a clean checkout")
        report = await self._verify(fix, "verify on a clean checkout")
        if not report.passed and fix != passed:
            state.add_test_notes((f"What {formatters} made of the fix was taken back: {report.reason}",))
            fix, formatters = passed, ""
            report = await self._verify(fix, "verify as it was before it was formatted")
        if not report.passed:
            return Passage(fix, f"Verification on a clean checkout failed: {report.reason}")
        review = await publication.review_fix(self._request, state.genealogy, fix, self._prepared.issue)
        state.add_review(review.decisions)
        state.add_objections(review.objections, branch.number)
        if refused := state.find_decisions(Effect.REFUSED):
            return Passage(fix, f"The constitution refuses to publish it: {refused[0].describe()}")
        if objection := next((each for each in review.objections if each.refuses), None):
            return Passage(fix, f"The reviewer refuses it: {objection.describe()}")
        critique = await self._criticise(branch, review)
        notes = describe_notes((*review.objections, *critique))
        if formatters:
            notes = f"{notes}\nIts lines were formatted by {formatters}.".lstrip()
        supervised = state.find_decisions(Effect.SUPERVISED)
        if not self._request.require_approval and not review.asks_always and not supervised:
            return Passage(fix, notes=notes)
        refuted = await self._ask(ask_about_fix(branch, report, review, supervised))
        return Passage(fix, refuted, notes)

    async def _criticise(self, branch: BranchRecord, review: Review) -> Objections:
        """Have a model note what is wrong with a reviewed fix, where there is one."""
        advice = ModelAdvice(self._request, self._state, self._prepared)
        if not advice.is_there or not workflow.patched("critique"):
            return ()
        await self._begin(f"asking a model what is wrong with the fix of b{branch.number:02d}")
        critique = await advice.criticise(branch.number, review.diff)
        self._state.add_objections(critique, branch.number)
        return critique

    async def _verify(self, fix: Checkpoint, summary: str) -> TestReport:
        prepared, state = self._prepared, self._state
        report = await preparation.run_tests(
            self._request, prepared.snapshot, fix, prepared.sandbox, summary, prepared.results
        )
        state.add_flaky(report)
        state.add_test_notes(report.notes)
        return report

    async def _format(self, branch: BranchRecord, passed: Checkpoint) -> tuple[Checkpoint, str]:
        """Return the fix as the repository's own formatters have it, and their names; as it is where there are none."""
        sandbox, snapshot = self._prepared.sandbox, self._prepared.snapshot
        # No environment of before formatters has any, so that a run of then goes on as it began.
        if not sandbox.environment.formatters:
            return passed, ""
        await self._begin(f"formatting the fix of b{branch.number:02d}")
        formatting: Formatting = await sandbox.run(
            SandboxActivities.format_fix, FormatRequest(checkpoint=passed, **sandbox.describe()), "format the fix"
        )
        if formatting.diff is None:
            return passed, ""
        names = join_words(list(formatting.formatters))
        request = CommitRequest(
            snapshot=snapshot, parent=passed, diff=formatting.diff, message=f"Format the fix by {names}"
        )
        return await sandbox.commit(request, "checkpoint of the formatted fix"), names
