"""SweepWorkflow: what is older than the settings keep it is removed, in the database and on every node."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.retention.activities import NodeSweeper, RecordSweeper
    from hydranet.contracts import SWEEP_WORKFLOW, NodeSweep, NodeSweepRequest, Sweep, SweepRequest
    from workflows.policies import HEARTBEAT, explain_failure, for_supervisor

_TAKEN, _ANSWERED = timedelta(seconds=10), timedelta(minutes=30)


@workflow.defn(name=SWEEP_WORKFLOW)
class SweepWorkflow:
    """A sweep: the schedule's, that of a stack whose last one is long ago, or a person's."""

    @workflow.run
    async def run(self, request: SweepRequest) -> Sweep:
        """Return what was too old; a node that does not answer is left for the next sweep."""
        records = await workflow.execute_activity_method(
            RecordSweeper.sweep_records, request, **for_supervisor("remove old runs and artifacts")
        )
        nodes = await asyncio.gather(*(self._ask(node) for node in records.nodes))
        return Sweep(records=records.removals, nodes=tuple(nodes))

    async def _ask(self, request: NodeSweepRequest) -> NodeSweep:
        try:
            return await workflow.execute_activity_method(
                NodeSweeper.sweep_node,
                request,
                task_queue=request.queue,
                summary="remove what is old on the node",
                schedule_to_start_timeout=_TAKEN,
                start_to_close_timeout=_ANSWERED,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except ActivityError as error:
            return NodeSweep(node=request.queue, problem=explain_failure(error))
