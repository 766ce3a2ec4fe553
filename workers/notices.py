"""Notices on their way: a workflow for each of a notice's targets, which delivers it however long that takes.

The id of the workflow is that of the notice, so that a second supervisor, or one that starts anew, sends no other.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetActivityRequest
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from hydranet.contracts import NOTICE_WORKFLOW, SUPERVISOR_QUEUE, NoticeRequest
from hydranet.errors import UsageError
from hydranet.names import name_notice_queue
from hydranet.notice import Notice
from hydranet.notify_settings import NotifyTarget, name_target
from workers.farewell import OPEN_NOTICES, LoadTargets, load_targets
from workers.host import Host
from workers.outages import CALL

# Of the notices that were sent, so many are remembered here; the server knows the others.
_REMEMBERED = 5000
_logger = logging.getLogger(__name__)


def name_delivery(notice: Notice, target: NotifyTarget) -> str:
    """Return the id of the workflow that delivers a notice to a target."""
    return f"notice-{notice.id}-{name_target(target)}"


class NoticeSender:
    """Starts the delivery of notices to the targets that want them."""

    def __init__(self, client: Client, host: Host, load_targets: LoadTargets = load_targets) -> None:
        self._client = client
        self._queue = name_notice_queue(host.id)
        self._load_targets = load_targets
        self._targets: Sequence[NotifyTarget] = ()
        self._sent: dict[str, None] = {}
        self._problem = ""

    def list_targets(self) -> Sequence[NotifyTarget]:
        """Return the targets as they are now, or as they were where the settings cannot be read."""
        try:
            self._targets, self._problem = self._load_targets(), ""
        except UsageError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                _logger.warning("Notices go where they went before: %s", error)
        return self._targets

    async def send(self, notice: Notice) -> None:
        """Have each target that wants it told, once. Raises RPCError where the server does not answer."""
        if notice.id in self._sent:
            return
        for target in self._targets:
            if notice.kind in target.events:
                await self._start(notice, target)
        self.skip(notice)

    async def hasten(self) -> None:
        """Have what waits to be delivered tried now: the wait until its next try may be longer than a stack is up."""
        async for delivery in self._client.list_workflows(OPEN_NOTICES, limit=_REMEMBERED):
            execution = WorkflowExecution(workflow_id=delivery.id, run_id=delivery.run_id)
            request = ResetActivityRequest(namespace=self._client.namespace, execution=execution, match_all=True)
            # It may have been delivered meanwhile, or the server may be older than this call.
            with contextlib.suppress(RPCError):
                await self._client.workflow_service.reset_activity(request, timeout=CALL)

    def skip(self, notice: Notice) -> None:
        """Take a notice for sent."""
        self._sent[notice.id] = None
        while len(self._sent) > _REMEMBERED:
            del self._sent[next(iter(self._sent))]

    async def _start(self, notice: Notice, target: NotifyTarget) -> None:
        request = NoticeRequest(notice=notice, target=name_target(target), queue=self._queue)
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await self._client.start_workflow(
                NOTICE_WORKFLOW,
                request,
                id=name_delivery(notice, target),
                task_queue=SUPERVISOR_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=f"{notice.kind} to {request.target}",
                rpc_timeout=CALL,
            )
