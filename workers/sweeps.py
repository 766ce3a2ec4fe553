"""When what is old is removed: by a Schedule of Temporal's, and when a supervisor starts and a sweep is due."""

from __future__ import annotations

import logging
from datetime import timedelta

from psycopg import Error
from psycopg_pool import AsyncConnectionPool
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from activities.retention.records import is_sweep_due
from hydranet.contracts import SUPERVISOR_QUEUE, SWEEP_WORKFLOW, SweepRequest

_logger = logging.getLogger(__name__)

SCHEDULE = "hydranet-sweep"
_ID = "sweep"
_EVERY = timedelta(days=1)
# What a stack misses while it is down is done when it starts.
_CATCH_UP = timedelta(minutes=5)


async def arrange_sweeps(client: Client, pool: AsyncConnectionPool) -> None:
    """Have what is old removed once a day, and now where that is due; a server that refuses it is only told of."""
    try:
        if await is_sweep_due(pool):
            await client.start_workflow(
                SWEEP_WORKFLOW,
                SweepRequest(),
                id=_ID,
                task_queue=SUPERVISOR_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
        await client.create_schedule(SCHEDULE, _build_schedule())
    except ScheduleAlreadyRunningError:
        return
    except (RPCError, Error) as error:
        _logger.warning("nothing that is old is removed by itself: %s", error)


def _build_schedule() -> Schedule:
    action = ScheduleActionStartWorkflow(SWEEP_WORKFLOW, SweepRequest(), id=_ID, task_queue=SUPERVISOR_QUEUE)
    return Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=_EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP),
    )
