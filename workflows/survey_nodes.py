"""SurveyNodesWorkflow: every node is asked about itself at the same moment, and one that does not answer is left."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.node.activities import NodeActivities
    from hydranet.contracts import SURVEY_WORKFLOW, NodeAnswer, NodeRequest, Survey, SurveyRequest
    from workflows.policies import explain_failure

# A command waits for the slowest.
_TAKEN, _ANSWERED = timedelta(seconds=4), timedelta(seconds=15)


@workflow.defn(name=SURVEY_WORKFLOW)
class SurveyNodesWorkflow:
    """A look at all nodes, for a command."""

    @workflow.run
    async def run(self, request: SurveyRequest) -> Survey:
        """Return what each node answers, and of the others why they do not."""
        answers = await asyncio.gather(*(self._ask(queue, request.node) for queue in request.queues))
        return Survey(answers=tuple(answers))

    async def _ask(self, queue: str, request: NodeRequest) -> NodeAnswer:
        try:
            report = await workflow.execute_activity_method(
                NodeActivities.survey_node,
                request,
                task_queue=queue,
                summary="ask the node about itself",
                schedule_to_start_timeout=_TAKEN,
                start_to_close_timeout=_ANSWERED,
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except ActivityError as error:
            return NodeAnswer(queue=queue, problem=explain_failure(error))
        return NodeAnswer(queue=queue, report=report)
