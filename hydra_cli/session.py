"""A command's session with the stack: the client, the runs it can name, their genealogies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.artifacts.database import open_database
from activities.artifacts.records import read_genealogy
from activities.checkpoints.registry import RepositoryRegistry
from activities.history.catalogue import RunCatalogue
from activities.waits.failures import read_message
from hydra_cli.parked import describe_missing, list_waits
from hydra_cli.terminal import write_line
from hydranet.contracts import (
    FIX_WORKFLOW,
    SUPERVISOR_QUEUE,
    RunResult,
    name_host_queue,
)
from hydranet.errors import UsageError
from hydranet.genealogy import Genealogy
from hydranet.settings import Settings
from workers.connection import DENIALS, UnpreparedNamespaceError, check_namespace, connect, is_open
from workers.host import Host, load_host
from workers.nodes import BEAT, NodeReader, NodeView, list_identities
from workers.sealing import KeyRing, load_keys
from workers.stack import Stack, StackFolder, attach, find_or_start, is_locked

# The server itself waits half a minute for a supervisor that has gone.
_QUERY_TIMEOUT = timedelta(seconds=10)
_HEALTH_TIMEOUT = timedelta(seconds=2)
_RECONNECT_SECONDS = 0.5
# A supervisor that is being started takes a few seconds.
_SUPERVISOR_SECONDS = 10.0
_LOST = (
    *(RPCStatusCode.UNAVAILABLE, RPCStatusCode.UNKNOWN, RPCStatusCode.INTERNAL),
    *(RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED),
)
_NOBODY_ANSWERS = (RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)


def is_lost(error: RPCError) -> bool:
    """Return whether a call failed on its way, so that the server itself has not answered."""
    return error.status in _LOST


@dataclass
class Session:
    """An open connection to the stack, the next one where the stack was killed and is started again."""

    settings: Settings
    stack: Stack
    client: Client
    keys: KeyRing
    _nodes: NodeReader | None = None

    def check_stack(self) -> None:
        """Raise UsageError when the stack was ended on purpose, by `hydra down`."""
        # One that is killed leaves its address behind.
        if self.stack.pid and not StackFolder(self.settings.data_dir).address.exists():
            raise UsageError("The stack was ended, and the run waits. Run the command again: the run carries on.")

    @cached_property
    def host(self) -> Host:
        """The host that this command works on, whose supervisor has its repositories."""
        return load_host(self.settings.data_dir)

    async def register(self, repository_path: str) -> None:
        """Let runs work in a repository of this host. Raises UsageError when no supervisor works for this host."""
        if not self.stack.pid:  # Our own keeps one.
            await self._check_supervisor()
        RepositoryRegistry(self.settings.data_dir).add(repository_path)

    async def _check_supervisor(self) -> None:
        deadline = time.monotonic() + _SUPERVISOR_SECONDS
        while not await self.has_poller(name_host_queue(SUPERVISOR_QUEUE, self.host.id)):
            if time.monotonic() > deadline:
                raise UsageError(
                    f"No supervisor works for the repositories of this host, {self.host.name}: start one here with "
                    "`hydra worker supervisor`, or run the command on a host that has one."
                )
            await asyncio.sleep(_RECONNECT_SECONDS)

    def unregister(self, repository_path: str) -> None:
        """Let no further run work in a repository of this host."""
        RepositoryRegistry(self.settings.data_dir).remove(repository_path)

    async def works_here(self, queue: str) -> bool:
        """Return whether a worker of this host polls a shared queue."""
        try:
            pollers = await list_identities(self.client, queue)
        except RPCError as error:
            if error.status in DENIALS:
                return False
            raise
        return any(identity.endswith(f"#{self.host.id}") for identity in pollers)

    async def has_poller(self, queue: str) -> bool:
        """Return whether somebody asked for work of a queue lately."""
        try:
            return bool(await list_identities(self.client, queue))
        except RPCError as error:
            if error.status in DENIALS:
                return True  # Who may not ask finds out by waiting.
            raise

    @property
    def silence(self) -> str:
        """What a command waits for while Temporal's server does not answer."""
        return f"Temporal's server, which does not answer ({self.stack.temporal.address})"

    async def reconnect(self) -> AsyncIterator[str]:
        """Yield what the command waits for until Temporal answers again. UsageError as in `check_stack`."""
        while True:
            self.check_stack()
            if self.stack.pid and not is_locked(StackFolder(self.settings.data_dir).running_lock):
                yield "the stack, which was killed and is started again"
                self.stack = await asyncio.to_thread(find_or_start, self.settings, StackFolder(self.settings.data_dir))
                self.client = await connect(self.stack.temporal, self.keys, embedded=True)
                return
            yield self.silence
            with suppress(RPCError):
                if await self.client.service_client.check_health(timeout=_HEALTH_TIMEOUT):
                    return
            await asyncio.sleep(_RECONNECT_SECONDS)

    def run_handle(self, run_id: str) -> WorkflowHandle[object, RunResult]:
        """Return the handle of a run."""
        return self.client.get_workflow_handle(run_id, result_type=RunResult)

    async def find_run(self, part: str) -> str:
        """Return the id of the run called `part`, or whose id alone contains it; empty means the latest run.

        Those that Temporal no longer knows are found on record.
        """
        matches = []
        async for run in self.client.list_workflows(f"WorkflowType = '{FIX_WORKFLOW}'"):
            if run.id == part or not part:
                return run.id
            if part in run.id:
                matches.append(run.id)
        matches = list(dict.fromkeys((*matches, *await self._find_recorded(part, suffice=bool(matches)))))
        if part in matches or (matches and not part):
            return part or matches[0]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise UsageError(f"'{part}' names {len(matches)} runs: give more of the id, as `hydra runs` lists it.")
        raise UsageError(f"There is no run '{part}': see `hydra runs`." if part else "There is no run yet.")

    async def _find_recorded(self, part: str, *, suffice: bool) -> list[str]:
        """Return the ids on record that contain `part`; none where others suffice and the database does not answer."""
        try:
            async with open_database(self.stack.database) as pool:
                return await RunCatalogue(pool).find(part)
        except UsageError:
            if suffice:
                return []
            raise

    async def find_open_run(self, part: str) -> str:
        """Return the id of the run called `part`; UsageError when it has ended."""
        run_id = await self.find_run(part)
        if not await is_open(self.client, run_id):
            raise UsageError(f"The run {run_id} has ended: see `hydra show {run_id}`.")
        return run_id

    async def describe(self, run_id: str) -> WorkflowExecutionDescription:
        """Return what Temporal knows of a run; UsageError when it knows none of that id."""
        if (described := await self.find_description(run_id)) is None:
            raise UsageError(
                f"Temporal knows no run '{run_id}', or no longer: see `hydra runs`, and `hydra runs --all`."
            )
        return described

    async def genealogy(self, run_id: str) -> Genealogy:
        """Return the genealogy of a run: asked of the workflow while it runs, read from the records afterwards."""
        status = await self.find_status(run_id)
        if status is not WorkflowExecutionStatus.RUNNING:
            async with open_database(self.stack.database) as pool:
                kept = await read_genealogy(pool, run_id)
            if kept is not None and (kept.verdict or status is None):
                return kept
            if status is None:
                raise UsageError(f"There is no run '{run_id}': see `hydra runs --all`.")
        if missing := await self._find_missing_supervisor():
            raise UsageError(f"No supervisor answers for {run_id}: {missing}, or the stack (`hydra up`).")
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

    async def find_status(self, run_id: str) -> WorkflowExecutionStatus | None:
        """Return how Temporal has a run, None where it does not know it, or no longer."""
        described = await self.find_description(run_id)
        return described.status if described else None

    async def find_description(self, run_id: str) -> WorkflowExecutionDescription | None:
        """Return Temporal's description of a run, None where it does not know it, or no longer."""
        try:
            return await self.run_handle(run_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def _find_missing_supervisor(self) -> str:
        """Return the sentence about a supervisor that is not there, which a query would wait for for ten seconds."""
        reader = NodeReader(self.client)
        try:
            if not describe_missing(SUPERVISOR_QUEUE, await reader.read()):
                return ""
            # It may just have been started.
            await asyncio.sleep(1.5 * BEAT.total_seconds())
            return describe_missing(SUPERVISOR_QUEUE, await reader.read())
        except RPCError:
            return ""

    async def list_parked(self, run_id: str, *, unanswered: bool = False) -> list[str]:
        """Return what the run and its branches wait for: a worker, or a step that fails and is tried again.

        A run that left a question `unanswered` has no supervisor, where none is there, though no step waits for it.
        """
        described = [await self.describe(run_id)]
        for child in described[0].raw_description.pending_children:
            described.append(await self.client.get_workflow_handle(child.workflow_id).describe())
        for step in (step for description in described for step in description.raw_description.pending_activities):
            step.last_failure.message = await read_message(self.client, step.last_failure)
        view = await self._read_nodes()
        waits = [text for description in described for text in list_waits(description.raw_description, view)]
        if unanswered and (missing := describe_missing(SUPERVISOR_QUEUE, view)):
            waits.insert(0, missing)
        return list(dict.fromkeys(waits))

    async def _read_nodes(self) -> NodeView | None:
        """Return who works, None where that is not known."""
        # The reader knows the workers by what changes, so that it stays as long as the client does.
        if self._nodes is None or self._nodes.client is not self.client:
            self._nodes = NodeReader(self.client)
        try:
            return await self._nodes.read()
        except RPCError:
            return None  # What a run waits for is told without it.


async def _set_up_namespace(client: Client) -> None:
    from workers.namespace import NamespaceSetup, load_definition

    setup = NamespaceSetup(client, load_definition())
    async for line in setup.apply():
        write_line(line, error=True)
    await setup.wait_until_searchable()


@asynccontextmanager
async def attach_session(settings: Settings, *, to_work: bool = False) -> AsyncIterator[Session]:
    """Attach to the stack, starting an embedded one when there is none.

    A command that is `to_work` sets up the namespace of a server of the user's own, and checks the database first.
    """
    with attach(settings) as stack:
        keys = load_keys(settings)
        client = await connect(stack.temporal, keys, embedded=bool(stack.pid))
        try:
            await check_namespace(client)
        except UnpreparedNamespaceError:
            if not to_work:
                raise
            await _set_up_namespace(client)
        if to_work and not stack.pid:
            async with open_database(stack.database):
                pass
        yield Session(settings, stack, client, keys)
