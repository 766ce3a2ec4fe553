"""The connection to Temporal, and whether its namespace can serve HydraNet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode, ServiceClient

from hydranet.errors import UsageError
from hydranet.names import SEARCH_ATTRIBUTES
from hydranet.settings import TemporalSettings
from workers.temporal_profile import build_config

if TYPE_CHECKING:
    from temporalio.client import Client, Interceptor

    from workers.sealing import KeyRing


class UnpreparedNamespaceError(UsageError):
    """A namespace that is not there, or lacks what runs write into it."""


DENIALS = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.UNIMPLEMENTED)
# A command has to say within five seconds what is wrong.
_CONNECT_SECONDS = 3.5


async def connect(
    settings: TemporalSettings,
    keys: KeyRing,
    runtime: Runtime | None = None,
    interceptors: Sequence[Interceptor] = (),
    *,
    embedded: bool = False,
) -> Client:
    """Return a client for `settings.address` that seals its payloads.

    Raises UsageError when nothing answers there, or does not let us in.
    """
    from temporalio.client import Client

    from workers.payloads import build_converter

    service = await connect_service(settings, runtime, embedded=embedded)
    return Client(
        service, namespace=settings.namespace, data_converter=build_converter(keys), interceptors=interceptors
    )


async def connect_service(
    settings: TemporalSettings, runtime: Runtime | None = None, *, embedded: bool = False
) -> ServiceClient:
    """Return the bare service behind a client, whose calls are those of the server's API.

    A client takes a tenth of a second to import, a quarter of what `hydra runs` may take.
    """
    config = build_config(settings, embedded=embedded)
    config.runtime = runtime or _build_silent_runtime()
    try:
        return await asyncio.wait_for(ServiceClient.connect(config), _CONNECT_SECONDS)
    except (RuntimeError, RPCError, ValueError, TimeoutError) as error:
        if embedded:
            raise UsageError(
                "The stack's Temporal server does not answer: give the command again in a moment, or start the stack "
                "again (`hydra down`, `hydra up`). Open runs go on then."
            ) from None
        from workers.connection_failure import explain_failure

        raise UsageError(await explain_failure(error, config, settings.address)) from None


@cache
def _build_silent_runtime() -> Runtime:
    # The client writes to standard output by itself, backtraces too. A command says in a sentence what went wrong.
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig("off")))


async def check_namespace(client: Client) -> None:
    """Raise UnpreparedNamespaceError where the client's namespace lacks what runs write into it."""
    namespace, address = client.namespace, client.service_client.config.target_host
    try:
        answer = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise missing_namespace(address, namespace) from None
        if error.status not in DENIALS:
            raise
        await _check_access(client)
        return
    types = {name: f"INDEXED_VALUE_TYPE_{kind.upper()}" for name, kind in SEARCH_ATTRIBUTES.items()}
    missing = [
        name for name, kind in types.items() if answer.custom_attributes.get(name) != IndexedValueType.Value(kind)
    ]
    if missing:
        raise UnpreparedNamespaceError(
            f"The namespace '{namespace}' at {address} lacks search attributes of HydraNet "
            f"({', '.join(missing)}): run `hydra setup-temporal`."
        )


async def is_open(client: Client, workflow_id: str) -> bool:
    """Return whether a workflow is running; one that the server does not know is not."""
    from temporalio.client import WorkflowExecutionStatus

    try:
        described = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return described.status is WorkflowExecutionStatus.RUNNING


def missing_namespace(address: str, namespace: str) -> UnpreparedNamespaceError:
    """Return the error of a server that does not know the namespace."""
    return UnpreparedNamespaceError(
        f"The Temporal server at {address} has no namespace '{namespace}': "
        "run `hydra setup-temporal`, or correct 'temporal.namespace' or TEMPORAL_NAMESPACE."
    )


async def _check_access(client: Client) -> None:
    # Who may not list search attributes may still write them, but who may not see the namespace can do nothing in it.
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        if error.status not in DENIALS:
            raise
        raise UsageError(
            f"The Temporal server at {client.service_client.config.target_host} does not let you use the namespace "
            f"'{client.namespace}': ask whoever runs it for access, or correct 'temporal.namespace' or "
            "TEMPORAL_NAMESPACE."
        ) from None
