"""The connection to Temporal, and what a namespace must know before the first run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client, Interceptor
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from hydranet.contracts import SEARCH_ATTRIBUTES
from hydranet.errors import UsageError
from hydranet.settings import TemporalSettings
from workers.payloads import data_converter

RETENTION = timedelta(days=30)


async def connect(
    settings: TemporalSettings, runtime: Runtime | None = None, interceptors: Sequence[Interceptor] = ()
) -> Client:
    """A client for `settings.address`; UsageError when nothing answers there."""
    try:
        return await Client.connect(
            settings.address,
            namespace=settings.namespace,
            data_converter=data_converter,
            runtime=runtime,
            interceptors=interceptors,
        )
    except (RuntimeError, RPCError):
        raise UsageError(
            f"No Temporal server answers at {settings.address}: start it, or correct 'temporal.address'."
        ) from None


async def ensure_namespace(client: Client) -> None:
    """Register the search attributes and keep closed runs for 30 days; repeating it changes nothing."""
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {
        name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
        for name, kind in SEARCH_ATTRIBUTES.items()
        if name not in known.custom_attributes
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    if described.config.workflow_execution_retention_ttl.ToTimedelta() < RETENTION:
        request = UpdateNamespaceRequest(namespace=client.namespace)
        request.config.workflow_execution_retention_ttl.FromTimedelta(RETENTION)
        await client.workflow_service.update_namespace(request)
