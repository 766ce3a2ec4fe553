"""A worker process of a node, for one or more roles (`hydra worker ROLE...`), configured by the settings."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from activities.private_file import make_private_folder
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.names import Role
from hydranet.text.escaping import escape_controls
from workers import telemetry
from workers.connection import check_namespace, connect
from workers.exporter import Exporter
from workers.roles import run_workers
from workers.sealing import load_keys
from workers.temporal_profile import choose_server
from workers.versions import VersionGuard
from workers.worker_metrics import serve_metrics

if TYPE_CHECKING:
    from workers.cluster.node import ClusterNode

# The variable with the reading end of a pipe. The embedded stack holds the other end: when it dies, the pipe closes.
LIFELINE = "HYDRA_LIFELINE"


async def run_worker(roles: list[Role]) -> None:
    """Work until SIGTERM, SIGINT or the end of the embedded stack that started this process.

    Raises UsageError where it cannot work, or no longer since the stack was updated.
    """
    stop, environment = asyncio.Event(), dict(os.environ)
    loop = asyncio.get_running_loop()

    def drain() -> None:
        stop.set()
        # A second signal does not wait for what is under way.
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, drain)
    if lifeline := os.environ.get(LIFELINE):
        loop.add_reader(int(lifeline), stop.set)
    node = None if lifeline else await _find_node(stop)
    if node is not None:
        roles = node.choose_roles(roles)
    chosen = settings.load_settings()
    temporal = choose_server(chosen.temporal)
    if not temporal.address:
        raise UsageError(
            "No Temporal server is named: join a cluster with `hydra join`, set 'temporal.address' or "
            "TEMPORAL_ADDRESS, or run `hydra up`."
        )
    if not roles:
        raise UsageError("No role is named: give supervisor, inference or sandbox, or several of them.")
    if stop.is_set():
        return
    # An embedded stack may be asked for metrics while it runs.
    exporter = Exporter() if chosen.metrics_address or lifeline else None
    async with AsyncExitStack() as stack:
        interceptors = stack.enter_context(telemetry.open_tracing())
        stack.enter_context(open_temporary_folder(chosen.data_dir / "scratch"))
        runtime = telemetry.build_runtime(exporter.store.buffer if exporter else None)
        # Kept for as long as the process: who drops it waits for its threads, and one of them may wait for Python.
        Runtime.set_default(runtime)
        if exporter is not None:
            await stack.enter_async_context(serve_metrics(exporter, chosen, list(Role).index(roles[0])))
        keys = load_keys(chosen)
        keys.check_roles(roles)
        guard = VersionGuard()
        client = await connect(temporal, keys, runtime, [*interceptors, guard])
        await check_namespace(client)
        embedded = lifeline is not None
        async with run_workers(client, chosen, roles, keys, guard, embedded=embedded, exporter=exporter):
            with contextlib.suppress(OSError):
                sys.stdout.write("ready\n")
                sys.stdout.flush()
            # Who starts a worker reads no further, and a full pipe would stop what Temporal's client prints.
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            waits: list[asyncio.Task[Any]] = [asyncio.create_task(event.wait()) for event in (stop, guard.refused)]
            if node is not None:
                waits.append(asyncio.create_task(node.watch()))
            ended, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in others:
                wait.cancel()
            for wait in ended:
                wait.result()  # which raises where the node was shut out
            if not lifeline and Role.INFERENCE in roles:
                logging.getLogger("activities").info(
                    "Ending: answers of models that are under way are finished first, another signal ends them."
                )
        if guard.reason:
            raise UsageError(guard.reason)
    if node is not None and node.renewed and not stop.is_set():
        # With the new certificate from its start. The process stays the same to whoever watches it.
        os.execve(sys.executable, sys.orig_argv, environment)  # noqa: S606 - no shell, and our own command line


async def _find_node(stop: asyncio.Event) -> "ClusterNode | None":
    # Imported here, since the embedded stack's workers need none of it.
    from workers.cluster.node import ClusterNode

    return await ClusterNode.find(stop)


@contextmanager
def open_temporary_folder(parent: Path) -> Iterator[Path]:
    """Keep all temporary files of this process in a folder of its own below `parent` until the block is left."""
    make_private_folder(parent)
    for lock in parent.glob("*.lock"):
        _remove_if_dead(lock)
    folder = parent / str(os.getpid())
    with FileLock(f"{folder}.lock"):
        folder.mkdir()
        tempfile.tempdir = str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = None
            shutil.rmtree(folder, ignore_errors=True)


def _remove_if_dead(lock: Path) -> None:
    # A live process holds its lock; the kernel releases it however the process ends.
    try:
        with FileLock(lock, timeout=0):
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
    except Timeout:
        pass


class _PlainFormatter(logging.Formatter):
    """The form of log lines; what a repository or a model wrote in them does not steer the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return escape_controls(super().format(record))


def main(roles: list[Role]) -> int:
    """Run a worker for the roles to its end; exit with 2 for bad input."""
    handler = logging.StreamHandler()
    handler.setFormatter(_PlainFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("activities").setLevel(logging.INFO)
    try:
        asyncio.run(run_worker(roles))
    except UsageError as error:
        sys.stderr.write(f"{escape_controls(str(error))}\n")
        return 2
    except RPCError as error:
        sys.stderr.write(f"Temporal's server refused the worker or was lost ({escape_controls(error.message)}): ")
        sys.stderr.write("see its log, and start the worker again.\n")
        return 2
    return 0
