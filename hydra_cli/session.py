"""A command's session with the stack: the client, the runs it can name, their genealogies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from activities.artifacts.database import open_database
from activities.artifacts.records import read_genealogy
from hydranet.contracts import FIX_WORKFLOW, RunResult
from hydranet.errors import UsageError
from hydranet.genealogy import Genealogy
from hydranet.settings import Settings
from workers.connection import check_namespace, connect
from workers.sealing import KeyRing, load_keys
from workers.stack import Stack, attach

# The server itself waits half a minute for a supervisor that has gone.
_QUERY_TIMEOUT = timedelta(seconds=10)
_NOBODY_ANSWERS = (RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)


@dataclass(frozen=True)
class Session:
    """An open connection to the stack."""

    stack: Stack
    client: Client
    keys: KeyRing

    def run_handle(self, run_id: str) -> WorkflowHandle[object, RunResult]:
        """Return the handle of a run."""
        return self.client.get_workflow_handle(run_id, result_type=RunResult)

    async def find_run(self, part: str) -> str:
        """Return the id of the run called `part`, or whose id alone contains it; empty means the latest run."""
        matches = []
        async for run in self.client.list_workflows(f"WorkflowType = '{FIX_WORKFLOW}'"):
            if run.id == part or not part:
                return run.id
            if part in run.id:
                matches.append(run.id)
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise UsageError(f"'{part}' names {len(matches)} runs: give more of the id, as `hydra runs` lists it.")
        raise UsageError(f"There is no run '{part}': see `hydra runs`." if part else "There is no run yet.")

    async def find_open_run(self, part: str) -> str:
        """Return the id of the run called `part`; UsageError when it has ended."""
        run_id = await self.find_run(part)
        if (await self.describe(run_id)).status is not WorkflowExecutionStatus.RUNNING:
            raise UsageError(f"The run {run_id} has ended: see `hydra show {run_id}`.")
        return run_id

    async def describe(self, run_id: str) -> WorkflowExecutionDescription:
        """Return what Temporal knows of a run; UsageError when it knows none of that id."""
        try:
            return await self.run_handle(run_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise UsageError(f"There is no run '{run_id}': see `hydra runs`.") from None
            raise

    async def genealogy(self, run_id: str) -> Genealogy:
        """Return the genealogy of a run: asked of the workflow while it runs, read from the records afterwards."""
        described = await self.describe(run_id)
        if described.status is not WorkflowExecutionStatus.RUNNING:
            async with open_database(self.stack.database) as pool:
                if (kept := await read_genealogy(pool, run_id)) and kept.verdict:
                    return kept
        try:
            genealogy: Genealogy = await self.run_handle(run_id).query(
                "genealogy", result_type=Genealogy, rpc_timeout=_QUERY_TIMEOUT
            )
        except RPCError as error:
            if error.status in _NOBODY_ANSWERS:
                raise UsageError(
                    f"No supervisor answers for {run_id}: start one (`hydra up`, or `hydra worker supervisor`)."
                ) from None
            raise
        return genealogy

    async def list_parked(self, run_id: str) -> list[str]:
        """Return what the run and its branches wait for because it fails and is tried again."""
        described = [await self.describe(run_id)]
        for child in described[0].raw_description.pending_children:
            described.append(await self.client.get_workflow_handle(child.workflow_id).describe())
        return [
            f"{activity.activity_type.name} (try {activity.attempt}): {activity.last_failure.message}"
            for description in described
            for activity in description.raw_description.pending_activities
            if activity.attempt > 1 and activity.last_failure.message
        ]


@asynccontextmanager
async def attach_session(settings: Settings) -> AsyncIterator[Session]:
    """Attach to the stack, starting an embedded one when there is none."""
    with attach(settings) as stack:
        keys = load_keys(settings)
        client = await connect(stack.temporal, keys)
        await check_namespace(client)
        yield Session(stack, client, keys)
