"""The embedded stack: Temporal's dev server, PostgreSQL and a worker per role, in the user's data folder.

It ends by itself when no command is attached and no run is open, unless `hydra up` keeps it up.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import Client
from temporalio.service import RPCError

from hydranet import settings
from hydranet.errors import HydraError, UsageError
from hydranet.names import Role
from hydranet.settings import Settings
from workers import sealing
from workers.cluster.folder import POSTGRES_SOCKET, TEMPORAL_SOCKET, ClusterFolder
from workers.farewell import Farewell
from workers.observation import Observation
from workers.observer import Observer
from workers.outages import CALL, OPEN_RUNS, report_interruption
from workers.postgres import Postgres, open_postgres
from workers.private_process import are_namespaces_allowed, end
from workers.sealing import KeyRing, SealingCodec, load_keys
from workers.stack import Stack, StackFolder, StartError, code_version, try_lock
from workers.temporal_profile import build_variables
from workers.temporal_server import TemporalServer, find_free_port
from workers.web_ui import WebUi, build_codec_url, load_token
from workers.web_ui_certificate import Listener, open_listener
from workers.worker_starter import WorkerStarter

if TYPE_CHECKING:
    from workers.cluster.front import Front

# For one process to be ready, also on a slow machine.
_START_SECONDS = 60
# Between two workers, so that one that cannot start does not take all of a processor.
_PAUSE_SECONDS = 1.0
_UI_PORT = 8233


class EmbeddedStack:
    """The processes of an embedded stack."""

    def __init__(self, chosen: Settings, folder: StackFolder) -> None:
        self._settings = chosen
        self._folder = folder
        self._cluster = ClusterFolder(folder.root)
        self._stop = asyncio.Event()
        self._version = code_version()
        # What the stack itself writes is the user's alone; containers of another user read what workers write.
        self._starter = WorkerStarter(os.umask(0o077))

    async def run(self) -> None:
        """Start everything, print "ready", and stay until stopped or idle. Raises UsageError when a part fails."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        interruption = _seconds_since(self._folder.alive)
        logs = self._folder.log.parent
        keys = load_keys(self._settings)
        port = self._choose_ui_port()
        async with contextlib.AsyncExitStack() as stack:
            # An idle stack keeps the lock to its end, so a command that comes then waits and starts a new one.
            clients = stack.enter_context(self._folder.clients_lock.open())
            stack.callback(self._starter.close)
            runtime = self._folder.create_runtime_folder()
            temporal_socket, postgres_socket = self._prepare_sockets(runtime)
            # In this thread, since a process in a namespace ends with the thread that started it.
            postgres = stack.enter_context(
                open_postgres(self._folder.root / "postgres", runtime, logs / "postgres.log", postgres_socket)
            )
            server = TemporalServer(
                *(self._settings.temporal, keys, self._folder.root, runtime, logs / "temporal.log", port),
                temporal_socket,
            )
            stack.push_async_callback(server.stop)
            client = await server.start()
            await _check_open_runs(client, keys)
            # Before any worker polls: a timer that fell due while nothing ran would end a run whose time is not up.
            await report_interruption(client, interruption)
            token = load_token(self._folder.root / "keys" / "web-ui-token")
            ui = WebUi(server.web_ui, port, token, SealingCodec(keys), self._open_listener())
            await stack.enter_async_context(ui.serve(runtime))
            running = self._describe(server, postgres.dsn, ui, token)
            await stack.enter_async_context(self._run_workers(running))
            front = None
            if self._cluster.exists:
                # Imported here, since few stacks are node A of a cluster.
                from workers.cluster.front import Front
                from workers.cluster.join_server import Services

                services = Services(postgres.dsn, running.temporal.namespace, keys, _log)
                front = Front(self._cluster, self._settings.cluster, services, runtime, logs)
                await stack.enter_async_context(front.serve())
            observer = await stack.enter_async_context(
                Observer(self._settings, self._folder, postgres.dsn, runtime, running.temporal).open()
            )
            stack.callback(self._folder.address.unlink, missing_ok=True)
            self._folder.write_address(running)
            print("ready", flush=True)
            await self._until_idle(_Servers(server, client, postgres, front, observer), running, clients)

    def _describe(self, server: TemporalServer, dsn: str, ui: WebUi, token: str) -> Stack:
        return Stack(
            pid=os.getpid(),
            version=self._version,
            temporal=server.temporal.model_copy(update={"ui": self._settings.temporal.ui or ui.origin}),
            database=dsn,
            web_ui_token=token,
            network_ui=ui.network_origin,
            network_ui_fingerprint=ui.fingerprint,
            codec=build_codec_url(ui.port),
            server_pid=server.find_inner_pid(),
            exposed=not are_namespaces_allowed(),
        )

    def _prepare_sockets(self, runtime: Path) -> tuple[Path | None, Path | None]:
        if not self._cluster.exists:
            return None, None
        (runtime / TEMPORAL_SOCKET).parent.mkdir(mode=0o700, exist_ok=True)
        return runtime / TEMPORAL_SOCKET, runtime / POSTGRES_SOCKET

    def _choose_roles(self) -> list[Role]:
        roles = self._cluster.load_config().roles if self._cluster.exists else list(Role)
        return [Role(role) for role in roles]

    def _open_listener(self) -> Listener | None:
        address = self._settings.temporal.ui_listen
        return open_listener(address, self._folder.root / "keys" / "web-ui.pem") if address else None

    def _choose_ui_port(self) -> int:
        wanted = self._settings.temporal.ui_port
        # The usual port keeps the Web UI at an address that people can bookmark.
        port = find_free_port(wanted or _UI_PORT)
        if wanted and port != wanted:
            raise UsageError(
                f"Port {wanted} (temporal.ui_port) is taken: end what listens there, or set 0 for any free port."
            )
        return port

    async def _until_idle(self, servers: "_Servers", running: Stack, clients: IO[str]) -> None:
        farewell = Farewell(servers.client, self._folder.root)
        while not self._stop.is_set():
            self._folder.alive.touch()
            await servers.restart_ended()
            if observation := await servers.observe():
                running = running.model_copy(update={"observation": observation})
                self._folder.write_address(running)
            if (inner := servers.temporal.find_inner_pid()) not in (0, running.server_pid):
                running = running.model_copy(update={"server_pid": inner})
                self._folder.write_address(running)
            # Also so that a server that cannot start does not take all of a processor.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1.0)
            # Nodes come and go without a command, so a stack with a cluster is never idle.
            if self._folder.keep.exists() or self._cluster.exists or not try_lock(clients):
                farewell.put_off()
                continue
            if await farewell.is_over(idle=await servers.are_idle()):
                return
            fcntl.flock(clients, fcntl.LOCK_UN)

    @contextlib.asynccontextmanager
    async def _run_workers(self, running: Stack) -> AsyncIterator[None]:
        lifeline, writing_end = os.pipe()
        env = {
            **build_variables(running.temporal, embedded=True),
            "HYDRA_TEMPORAL__ADDRESS": running.temporal.address,
            "HYDRA_TEMPORAL__NAMESPACE": running.temporal.namespace,
            "HYDRA_DATABASE": running.database,
        }
        ready = {role: asyncio.Event() for role in self._choose_roles()}
        # All at once: each of them connects and checks for half a second.
        keeping = [asyncio.create_task(self._keep_worker(role, env, lifeline, ready[role])) for role in ready]
        all_ready = asyncio.create_task(_wait_for_all(ready.values()))
        try:
            await asyncio.wait([all_ready, *keeping], timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for role, event in ready.items():
                if not event.is_set():
                    raise StartError(f"The {role} worker did not start: see {self._worker_log(role)}.")
            yield
        finally:
            tasks = [all_ready, *keeping]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            os.close(lifeline)
            os.close(writing_end)

    async def _keep_worker(self, role: Role, env: dict[str, str], lifeline: int, ready: asyncio.Event) -> None:
        """Run the role's worker, and restart it whenever it dies."""
        while True:
            try:
                with self._worker_log(role).open("ab") as log:
                    worker = await self._starter.start(role, env, log.fileno(), lifeline)
            except StartError as error:
                _log(str(error))
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            try:
                if await worker.output.readline() == b"ready\n":
                    ready.set()
                await worker.wait()
            finally:
                await end(worker)
            await asyncio.sleep(_PAUSE_SECONDS)

    def _worker_log(self, role: Role) -> Path:
        return self._folder.log.parent / f"{role}.log"


@dataclass(frozen=True)
class _Servers:
    temporal: TemporalServer
    client: Client
    postgres: Postgres
    front: "Front | None"
    observer: Observer

    async def observe(self) -> Observation | None:
        """Return where the stack is observed, once when that begins."""
        try:
            return await self.observer.look()
        except (HydraError, OSError) as error:
            _log(f"What observes the stack does not work: {error}")
            return None

    async def restart_ended(self) -> None:
        """Start what has ended by itself again: runs under way wait for it, and go on."""
        if self.postgres.has_ended():
            _log("PostgreSQL has ended and is started again.")
            self.postgres.spawn()
        if self.temporal.has_ended():
            _log("Temporal's server has ended and is started again.")
            await self.temporal.spawn()
        if self.front is not None and (reason := await self.front.restart_ended()):
            _log(reason)

    async def are_idle(self) -> bool:
        """Return whether no run is open, as far as the server answers."""
        try:
            return (await self.client.count_workflows(OPEN_RUNS, rpc_timeout=CALL)).count == 0
        except RPCError:
            return False


def _log(event: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {event}\n")
    sys.stderr.flush()


async def _wait_for_all(events: Iterable[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


async def _check_open_runs(client: Client, keys: KeyRing) -> None:
    """Raise UsageError where a run is open that the keys do not open: it would wait for ever."""
    async for run in client.list_workflows(OPEN_RUNS):
        request = GetWorkflowExecutionHistoryRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=run.id, run_id=run.run_id),
            maximum_page_size=1,
        )
        answer = await client.workflow_service.get_workflow_execution_history(request)
        for payload in answer.history.events[0].workflow_execution_started_event_attributes.input.payloads:
            if payload.metadata.get("encoding") != sealing.ENCODING:
                raise UsageError(
                    f"The run {run.id} is open, and an earlier version of HydraNet began it: end it with that version "
                    "(`hydra abort`), or begin anew by moving the file temporal.db out of the data folder; "
                    "what was recorded of runs stays."
                )
            if not keys.knows(payload):
                raise UsageError(
                    f"The run {run.id} is open, and its key is not in {keys.file}: put the copy of that file back, or "
                    "begin anew by moving the file temporal.db out of the data folder; what was recorded of runs stays."
                )


def _seconds_since(alive: Path) -> float:
    try:
        return max(0.0, time.time() - alive.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


def main() -> int:
    """Run the stack of the data folder, at most one at a time; exit with 2 when it cannot start, with 1 for now."""
    chosen = settings.load_settings()
    folder = StackFolder(chosen.data_dir)
    with folder.running_lock.open("a") as lock:
        # Commands start one stack at a time, so a stack that still holds the lock is ending.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            asyncio.run(EmbeddedStack(chosen, folder).run())
        except UsageError as error:
            print(f"error: {error}", flush=True)
            return 1 if isinstance(error, StartError) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
