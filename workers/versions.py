"""The version of the contract between nodes: which activities there are, and what they get and give.

The supervisor writes its version into the database, and into a header of each activity. A node of another version says
which side is older, and takes no work: it could not read what it gets, or the run what it gives. Nor could one with
other keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle

from activities.background import run_beside
from activities.errors import to_application_error
from hydranet.errors import OutageError, UsageError
from workers.payloads import Unreadable, tolerate_unreadable
from workers.sealing import ROLES, KeyRing

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

HEADER = "hydranet-contract"
_SUPERVISOR = "supervisor"

# So long may a node without work not notice that the stack was updated.
_WATCH_SECONDS = 10.0
# The node that refuses has stopped polling by then.
_RETRY_SECONDS = 1.0
_LONGEST = 9


@cache
def contract_version() -> str:
    """Return the version of the contract that this code keeps."""
    return str(json.loads(files("workers").joinpath("contract.json").read_text())["version"])


def check_version(theirs: str) -> None:
    """Raise UsageError where a node that would join has another version than this machine, on which the stack runs."""
    if reason := _explain("This node", theirs, contract_version()):
        raise UsageError(reason)


class VersionGuard(ClientInterceptor, Interceptor):
    """A worker's guard: marks the activities of its workflows, and takes none of another version.

    `stack` is the version in the database, empty where none is known. After an activity of another version, or when the
    stack was updated, `refused` is set, and `reason` says which side is older.
    """

    def __init__(self, version: str | None = None) -> None:
        self.version = version or contract_version()
        self.stack = ""
        self.reason = ""
        self.refused = asyncio.Event()

    def check(self, stack: str, node: str = "This node") -> str:
        """Return why this node takes no work of a stack of that version; empty where it does."""
        if reason := _explain(node, self.version, stack):
            self.reason = reason
            self.refused.set()
        return reason

    def judge(self, theirs: str) -> str:
        """Return why an activity of the version `theirs` is not taken; empty where it is."""
        # What was scheduled before the stack was updated is read as what stands in the histories of open runs.
        if _rank(theirs) < _rank(self.version) and self.stack == self.version:
            return ""
        return self.check(theirs, f"The node {socket.gethostname()}")

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002, ARG002 - the SDK's name
        """Return the class that marks activities."""
        stamp = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(self.version).encode())

        class Outbound(WorkflowOutboundInterceptor):
            def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:  # noqa: A002 - the SDK's name
                input.headers = {**input.headers, HEADER: stamp}
                return super().start_activity(input)

        class Inbound(WorkflowInboundInterceptor):
            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                super().init(Outbound(outbound))

        return Inbound

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        """Return the interceptor that refuses activities."""
        return _Check(next, self)


class _Check(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, guard: VersionGuard) -> None:  # noqa: A002 - the SDK's name
        super().__init__(next)
        self._guard = guard

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        if reason := self._guard.judge(_read_header(input)):
            raise to_application_error(OutageError(reason, _RETRY_SECONDS))
        for value in input.args:
            if isinstance(value, Unreadable):
                raise _explain_unreadable(value.error)
        return await super().execute_activity(input)


def build_activity_client(client: Client) -> Client:
    """Return the client of a worker without workflows, whose guard sees also what it cannot read the arguments of."""
    config = client.config()
    config["data_converter"] = tolerate_unreadable(client.data_converter)
    return Client(**config)


@contextlib.asynccontextmanager
async def watch_version(
    pool: AsyncConnectionPool, guard: VersionGuard, keys: KeyRing, roles: Sequence[str]
) -> AsyncIterator[None]:
    """Check the version in the database, which a supervisor writes, and go on checking it until the block is left.

    Raises UsageError where the stack has another version, or other keys for the roles of this node.
    """
    if _SUPERVISOR in roles:
        await _write(pool, guard.version, keys)
    guard.stack, used = await _read(pool)
    if guard.stack and (reason := guard.check(guard.stack)):
        raise UsageError(reason)
    for role in roles:
        if (key := used.get(role)) and not keys.has(key):
            raise UsageError(
                f"The key of the role '{role}' in {keys.file} is not that of the stack: join the cluster again, or "
                "copy the file from the machine where the stack was set up."
            )
    async with run_beside(_watch(pool, guard)):
        yield


async def _watch(pool: AsyncConnectionPool, guard: VersionGuard) -> None:
    from psycopg import Error
    from psycopg_pool import PoolTimeout

    while not guard.refused.is_set():
        await asyncio.sleep(_WATCH_SECONDS)
        with contextlib.suppress(Error, PoolTimeout):
            guard.stack, _ = await _read(pool)
        if guard.stack:
            guard.check(guard.stack)


async def _write(pool: AsyncConnectionPool, version: str, keys: KeyRing) -> None:
    used = json.dumps({role: keys.identify(role) for role in ROLES})
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO contract (version, keys) VALUES (%s, %s) ON CONFLICT (singleton) DO UPDATE"
            " SET version = excluded.version, keys = excluded.keys, written_at = now()"
            " WHERE contract.version <= excluded.version",
            (int(version), used),
        )


async def _read(pool: AsyncConnectionPool) -> tuple[str, dict[str, str]]:
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT version, keys FROM read_contract()")).fetchone()
    return (str(row[0]), row[1]) if row else ("", {})


def _read_header(activity: ExecuteActivityInput) -> str:
    try:
        value = json.loads(activity.headers[HEADER].data)
    except (KeyError, ValueError):
        return ""
    return value if isinstance(value, str) else ""


def _explain_unreadable(error: Exception) -> ApplicationError:
    if isinstance(error, UsageError):  # It lacks the key, and another node may have it.
        return to_application_error(OutageError(f"The node {socket.gethostname()} cannot take it: {error}"))
    return ApplicationError(f"What the activity gets cannot be read: {type(error).__name__}")


def _rank(version: str) -> int:
    return int(version) if version.isascii() and version.isdecimal() and len(version) <= _LONGEST else 0


def _explain(node: str, nodes: str, stack: str) -> str:
    if nodes == stack:
        return ""
    if _rank(nodes) < _rank(stack):
        return (
            f"{node} has an older version of HydraNet than the stack (contract {_rank(nodes)}, not {stack}): "
            "install the stack's version there."
        )
    return (
        f"{node} has a newer version of HydraNet than the stack (contract {nodes}, not {_rank(stack)}): "
        "install the newer one where the stack was set up first, or the stack's there."
    )
