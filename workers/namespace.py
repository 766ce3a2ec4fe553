"""The namespace that HydraNet uses on a Temporal server: its definition, and setting it up."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    CountWorkflowExecutionsRequest,
    DescribeNamespaceRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from hydranet.errors import TransientError, UsageError
from workers.connection import DENIALS

_CALL_TIMEOUT = timedelta(seconds=10)
# A server reads its namespaces anew every ten seconds, and until then knows nothing of what was added.
_VISIBLE_SECONDS = 30.0
_POLL_SECONDS = 0.2
# A call that takes too long ends as cancelled.
_SILENCES = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)
_CLOUD_HOSTS = (".tmprl.cloud", ".api.temporal.io")


class NamespaceDefinition(BaseModel):
    """What a namespace needs to serve HydraNet."""

    model_config = ConfigDict(extra="forbid")

    namespace: str
    retention_days: Annotated[int, Field(ge=1)]
    search_attributes: dict[str, Literal["Keyword", "Int", "Double", "Datetime"]]


def load_definition() -> NamespaceDefinition:
    """Read `temporal/server.yaml`."""
    # It lies beside our packages, in a checkout and when installed. It is not looked up as a package:
    # any folder `temporal` on the module path, such as one in the working directory, would do for that.
    path = Path(__file__).parents[1] / "temporal" / "server.yaml"
    return NamespaceDefinition.model_validate(yaml.safe_load(path.read_text()))


class NamespaceSetup:
    """The set-up of a client's namespace by a definition."""

    def __init__(self, client: Client, definition: NamespaceDefinition) -> None:
        self._client = client
        self._definition = definition
        self._retention = timedelta(days=definition.retention_days)
        self._address = client.service_client.config.target_host
        self._commands = AdminCommands(self._address, client.namespace, definition.retention_days)

    async def apply(self) -> AsyncIterator[str]:
        """Add what the namespace lacks, and yield a line for each part, added or there already.

        Raises UsageError where the server refuses, or has a search attribute of another type, and TransientError
        where it does not answer.
        """
        name = self._client.namespace
        with self._explain(f"see or create the namespace '{name}'", self._commands.create_namespace()):
            created = await self._create()
            present = await self._list_search_attributes()
        yield _line(f"namespace {name}", "created" if created else "")
        self._refuse_other_types(present)
        wanted = self._definition.search_attributes
        missing = {attribute: kind for attribute, kind in wanted.items() if attribute not in present}
        with self._explain(f"add search attributes to '{name}'", self._commands.add_search_attributes(missing)):
            await self._add_search_attributes(missing)
        for attribute, kind in wanted.items():
            yield _line(f"search attribute {attribute} ({kind})", "added" if attribute in missing else "")
        with self._explain(f"set the retention of '{name}'", self._commands.set_retention()):
            yield await self._extend_retention()

    async def wait_until_searchable(self) -> None:
        """Return once the server takes queries with all search attributes."""
        query = " AND ".join(f"{attribute} IS NULL" for attribute in self._definition.search_attributes)
        request = CountWorkflowExecutionsRequest(namespace=self._client.namespace, query=query)
        deadline = time.monotonic() + _VISIBLE_SECONDS
        with self._explain(f"search '{self._client.namespace}'"):
            while not await self._takes_query(request):
                if time.monotonic() > deadline:
                    raise UsageError(
                        f"The Temporal server at {self._address} does not know the search attributes yet: "
                        "run this command again in a minute."
                    )
                await asyncio.sleep(_POLL_SECONDS)

    async def _takes_query(self, request: CountWorkflowExecutionsRequest) -> bool:
        try:
            await self._client.workflow_service.count_workflow_executions(request, timeout=_CALL_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.INVALID_ARGUMENT:
                return False
            if error.status not in DENIALS:  # who may not search may still set up
                raise
        return True

    async def _create(self) -> bool:
        # Seen first: who may use a namespace that is there need not be allowed to create one.
        with _tolerate(RPCStatusCode.NOT_FOUND):
            await self._retention_now()
            return False
        request = RegisterNamespaceRequest(namespace=self._client.namespace)
        request.workflow_execution_retention_period.FromTimedelta(self._retention)
        with _tolerate(RPCStatusCode.ALREADY_EXISTS):
            await self._client.workflow_service.register_namespace(request, timeout=_CALL_TIMEOUT)
            return True
        return False

    async def _list_search_attributes(self) -> dict[str, int]:
        request = ListSearchAttributesRequest(namespace=self._client.namespace)
        deadline = time.monotonic() + _VISIBLE_SECONDS
        while True:
            try:
                answer = await self._client.operator_service.list_search_attributes(request, timeout=_CALL_TIMEOUT)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return dict(answer.custom_attributes)

    def _refuse_other_types(self, present: Mapping[str, int]) -> None:
        # A server says nothing when an attribute is added again with another type, and keeps the old one.
        for attribute, kind in self._definition.search_attributes.items():
            if attribute in present and present[attribute] != _type_value(kind):
                raise UsageError(
                    f"The search attribute {attribute} of the namespace '{self._client.namespace}' at {self._address} "
                    f"has the type {_type_name(present[attribute])} instead of {kind}: name another namespace in "
                    "'temporal.namespace' or, where nothing else uses the attribute, take it away with "
                    f"`{self._commands.remove_search_attribute(attribute)}` and run this command again."
                )

    async def _add_search_attributes(self, missing: Mapping[str, str]) -> None:
        if missing:
            types = {attribute: _type_value(kind) for attribute, kind in missing.items()}
            request = AddSearchAttributesRequest(namespace=self._client.namespace, search_attributes=types)
            await self._client.operator_service.add_search_attributes(request, timeout=_CALL_TIMEOUT)

    async def _extend_retention(self) -> str:
        current = await self._retention_now()
        if current >= self._retention:
            return _line(f"retention of {_days(current)}")
        request = UpdateNamespaceRequest(namespace=self._client.namespace)
        request.config.workflow_execution_retention_ttl.FromTimedelta(self._retention)
        await self._client.workflow_service.update_namespace(request, timeout=_CALL_TIMEOUT)
        return _line(f"retention of {_days(self._retention)}", f"set, it was {_days(current)}")

    async def _retention_now(self) -> timedelta:
        request = DescribeNamespaceRequest(namespace=self._client.namespace)
        answer = await self._client.workflow_service.describe_namespace(request, timeout=_CALL_TIMEOUT)
        retention: timedelta = answer.config.workflow_execution_retention_ttl.ToTimedelta()
        return retention

    @contextmanager
    def _explain(self, step: str, command: str = "") -> Iterator[None]:
        """Turn what the server refuses into a sentence that names the command of those who may."""
        try:
            yield
        except RPCError as error:
            if error.status in _SILENCES:
                raise TransientError(
                    f"The Temporal server at {self._address} does not answer any more: run this command again."
                ) from None
            if error.status in DENIALS:
                raise UsageError(
                    f"The Temporal server at {self._address} does not let you {step}: "
                    f"ask somebody who may to run `{command}`, then run this command again."
                ) from None
            raise UsageError(
                f"The Temporal server at {self._address} could not {step} ({error.message.rstrip('.')}): "
                "see its log, or name another namespace in 'temporal.namespace'."
            ) from None


class AdminCommands:
    """The commands by which an administrator of the server, or of Temporal Cloud, does the same by hand."""

    def __init__(self, address: str, namespace: str, retention_days: int) -> None:
        self._cloud = address.rpartition(":")[0].endswith(_CLOUD_HOSTS)
        self._namespace = shlex.quote(namespace)
        self._days = retention_days

    def create_namespace(self) -> str:
        """Return the command that creates the namespace."""
        if self._cloud:
            return f"tcld namespace create --namespace {self._namespace} --region REGION --retention-days {self._days}"
        return f"temporal operator namespace create --namespace {self._namespace} --retention {self._days}d"

    def set_retention(self) -> str:
        """Return the command that sets the namespace's retention."""
        if self._cloud:
            return f"tcld namespace retention set --namespace {self._namespace} --retention-days {self._days}"
        return f"temporal operator namespace update --namespace {self._namespace} --retention {self._days}d"

    def add_search_attributes(self, types: Mapping[str, str]) -> str:
        """Return the command that adds search attributes."""
        if self._cloud:
            pairs = " ".join(f"--sa {attribute}={kind}" for attribute, kind in types.items())
            return f"tcld namespace search-attributes add --namespace {self._namespace} {pairs}"
        pairs = " ".join(f"--name {attribute} --type {kind}" for attribute, kind in types.items())
        return f"temporal operator search-attribute create --namespace {self._namespace} {pairs}"

    def remove_search_attribute(self, attribute: str) -> str:
        """Return the command that frees a search attribute's name."""
        if self._cloud:  # which removes none
            rename = f"tcld namespace search-attributes rename --namespace {self._namespace}"
            return f"{rename} --existing-name {attribute} --new-name {attribute}Old"
        return f"temporal operator search-attribute remove --namespace {self._namespace} --name {attribute}"


@contextmanager
def _tolerate(status: RPCStatusCode) -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if error.status is not status:
            raise


def _line(part: str, change: str = "") -> str:
    return f"{part:<52}{change or 'there already'}"


def _days(retention: timedelta) -> str:
    return f"{retention / timedelta(days=1):g} days"


def _type_value(kind: str) -> IndexedValueType.ValueType:
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")


def _type_name(value: int) -> str:
    name = IndexedValueType.Name(IndexedValueType.ValueType(value))
    return name.removeprefix("INDEXED_VALUE_TYPE_").replace("_", " ").title().replace(" ", "")
