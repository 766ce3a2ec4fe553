"""The messages to a run: what people and branches tell it, noted for the search to act on."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from hydranet.contracts import AttemptReport, FixRequest, ReapRequest
    from workflows.branch import BranchWorkflow
    from workflows.branches import Branches
    from workflows.run_state import RunState
    from workflows.signals import BranchParent, drop_malformed


class RunMessages(BranchParent):
    """The part of a run's workflow that is spoken to."""

    def __init__(self, request: FixRequest) -> None:
        self._request = request
        self._state = RunState(request)
        self._branches = Branches(request, self._state)
        self._reaps: list[ReapRequest] = []
        self._aborted: str | None = None
        self._approved: bool | None = None

    @workflow.signal
    @drop_malformed
    async def pause(self) -> None:
        """Begin no further step until resumed; a step that is under way finishes."""
        if not self._state.clock.paused:
            self._state.pause()
            await self._branches.signal_all(BranchWorkflow.pause)

    @workflow.signal
    @drop_malformed
    async def resume(self) -> None:
        """Go on after a pause."""
        if self._state.clock.paused:
            self._state.resume()
            await self._branches.signal_all(BranchWorkflow.resume)

    @workflow.signal
    @drop_malformed
    async def abort(self, reason: str = "") -> None:
        """End the run: cancel what is under way, publish nothing."""
        self._aborted = reason or "Aborted by hand."

    @workflow.signal
    @drop_malformed
    async def override(self, instruction: str) -> None:
        """Put an instruction into the next PLAN or REFLECT of every branch, and into later strategies."""
        self._state.add_instruction(instruction)
        await self._branches.signal_all(BranchWorkflow.override, instruction)

    @workflow.signal(name="reap")
    @drop_malformed
    async def reap_circling(self, request: ReapRequest) -> None:
        """End a branch and start the next strategy: from the branch itself, or by hand."""
        self._reaps.append(request)

    @workflow.signal
    @drop_malformed
    async def attempt_made(self, report: AttemptReport) -> None:
        """Take an attempt into the genealogy."""
        if reap := self._branches.add_attempt(report):
            self._reaps.append(reap)

    @workflow.signal
    @drop_malformed
    async def interrupted(self, seconds: float) -> None:
        """Leave out of the time budget what passed while nothing ran, such as a night switched off."""
        self._state.clock.leave_out(seconds)

    @workflow.signal
    @drop_malformed
    async def approve(self) -> None:
        """Let the verified fix be published."""
        self._approved = True

    @workflow.signal
    @drop_malformed
    async def reject(self) -> None:
        """Refuse the verified fix; the search goes on."""
        self._approved = False
