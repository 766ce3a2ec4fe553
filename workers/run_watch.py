"""The open runs as a supervisor sees them: what each does or waits for, and how much of its budget is spent."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from temporalio.api.enums.v1 import PendingActivityState, WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client, WorkflowExecution, WorkflowQueryFailedError
from temporalio.service import RPCError

from hydranet.genealogy import Genealogy
from workers.outages import CALL, OPEN_RUNS

# More are not looked at, and count as working.
_RUNS = 200
_AT_A_TIME = 4
_QUERY = timedelta(seconds=5)
NEAR_BUDGET = 0.9

Record = Callable[[datetime, Genealogy], Awaitable[None]]
"""What keeps a run's state: called with its start and its genealogy whenever that has changed."""

Close = Callable[[Sequence[str]], Awaitable[None]]
"""What is told at each look which runs are open."""


class RunPhase(StrEnum):
    """What an open run does."""

    WORKING = "working"
    ASKING = "waiting for a person"
    PARKED = "parked"
    PAUSED = "paused"


@dataclass
class _Seen:
    phase: RunPhase = RunPhase.WORKING
    length: int = 0
    genealogy: Genealogy | None = None
    looked: float = 0.0
    # Seconds of work since the genealogy last changed: an attempt tells of its time when it has ended.
    worked: float = 0.0

    def measure_spent(self) -> float:
        """Return the share of its budget that the run has spent until now."""
        return measure_spent(self.genealogy, self.worked) if self.genealogy is not None else 0.0


class RunWatch:
    """The open runs at the last look. A run whose history has not grown is not asked again."""

    def __init__(self, client: Client, record: Record, close: Close | None = None) -> None:
        self._client = client
        self._record = record
        self._close = close
        self._seen: dict[str, _Seen] = {}

    async def look(self) -> None:
        """Look at all open runs. Raises RPCError where the server does not answer."""
        runs = [run async for run in self._client.list_workflows(OPEN_RUNS, limit=_RUNS)]
        self._seen = {run.id: self._seen.get(run.id, _Seen()) for run in runs}
        turns = asyncio.Semaphore(_AT_A_TIME)

        async def take_turn(run: WorkflowExecution) -> None:
            async with turns:
                # It may have ended meanwhile, and a supervisor that is busy answers at the next look.
                with suppress(RPCError, WorkflowQueryFailedError):
                    await self._look_at(run, self._seen[run.id])

        await asyncio.gather(*map(take_turn, runs))
        if self._close is not None and len(runs) < _RUNS:
            await self._close(list(self._seen))

    def count_phases(self) -> Counter[RunPhase]:
        """Return how many runs do what."""
        return Counter(seen.phase for seen in self._seen.values())

    def list_near_budget(self) -> list[tuple[Genealogy, float]]:
        """Return the runs that have spent 90 % of their tokens, attempts or time, and their shares."""
        spent = [(seen.genealogy, seen.measure_spent()) for seen in self._seen.values()]
        return [(run, share) for run, share in spent if run is not None and share >= NEAR_BUDGET]

    async def _look_at(self, run: WorkflowExecution, seen: _Seen) -> None:
        handle = self._client.get_workflow_handle(run.id)
        described = (await handle.describe(rpc_timeout=CALL)).raw_description
        if described.workflow_execution_info.status != WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING:
            return  # The list is a moment behind.
        parked = _is_parked(described)
        for child in described.pending_children:
            if not parked:
                with suppress(RPCError):
                    branch = self._client.get_workflow_handle(child.workflow_id)
                    parked = _is_parked((await branch.describe(rpc_timeout=CALL)).raw_description)
        length = described.workflow_execution_info.history_length
        if length != seen.length:
            genealogy: Genealogy = await handle.query("genealogy", result_type=Genealogy, rpc_timeout=_QUERY)
            if genealogy != seen.genealogy:
                await self._record(run.start_time, genealogy)
                seen.worked = 0.0
            seen.genealogy, seen.length = genealogy, length
        now = time.monotonic()
        if seen.phase is RunPhase.WORKING and seen.looked:
            seen.worked += now - seen.looked
        seen.looked, seen.phase = now, _find_phase(seen.genealogy, parked)


def measure_spent(genealogy: Genealogy, worked: float = 0.0) -> float:
    """Return the share of its budget that a run has spent: of tokens, attempts or time, whichever is most.

    It has `worked` for so many seconds since its genealogy last changed.
    """
    budget = genealogy.budget
    moments = [branch.began for branch in genealogy.branches]
    moments += [attempt.after for branch in genealogy.branches for attempt in branch.attempts]
    return max(
        genealogy.usage.tokens / budget.tokens if budget.tokens else 0.0,
        genealogy.attempts / budget.attempts if budget.attempts else 0.0,
        (max(moments, default=0.0) + worked) / budget.seconds,
    )


def _is_parked(described: DescribeWorkflowExecutionResponse) -> bool:
    """Return whether a step failed for want of something outside, and is tried again."""
    return any(
        step.attempt > 1
        and step.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
        and step.last_failure.message
        for step in described.pending_activities
    )


def _find_phase(genealogy: Genealogy | None, parked: bool) -> RunPhase:
    if genealogy is not None and genealogy.waits is not None:
        return RunPhase.ASKING
    if genealogy is not None and genealogy.paused:
        return RunPhase.PAUSED
    return RunPhase.PARKED if parked else RunPhase.WORKING
