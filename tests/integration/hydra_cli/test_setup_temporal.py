"""`hydra setup-temporal` against a real server, and against one that does not allow everything."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import socket
import subprocess
import sysconfig
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from workers.namespace import load_definition

SCRIPTS = Path(sysconfig.get_path("scripts"))
TEMPORAL = SCRIPTS / "temporal"

Run = subprocess.CompletedProcess[str]
Hydra = Callable[..., Run]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server on which nothing is set up."""
    with asyncio.Runner() as runner:
        environment = runner.run(WorkflowEnvironment.start_local(dev_server_existing_path=str(TEMPORAL)))
        yield environment.client.service_client.config.target_host
        runner.run(environment.shutdown())


@pytest.fixture
def namespace() -> str:
    return f"runs-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def hydra(server: str, namespace: str, tmp_path: Path) -> Hydra:
    """Run `hydra ARGUMENTS` in a new namespace of the server, or at another address."""

    def run(*arguments: str, address: str = server) -> Run:
        own = {"HYDRA_TEMPORAL__ADDRESS": address, "HYDRA_TEMPORAL__NAMESPACE": namespace}
        own |= {"HYDRA_DATA_DIR": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
        return subprocess.run(
            [SCRIPTS / "hydra", *arguments], env={**os.environ, **own}, capture_output=True, text=True, timeout=60
        )

    return run


def temporal(server: str, command: str) -> None:
    """Run a command of the `temporal` tool as an administrator would."""
    tool, *arguments = shlex.split(command)
    assert tool == "temporal"
    subprocess.run([TEMPORAL, *arguments, "--address", server], check=True, capture_output=True)


def create_namespace(server: str, namespace: str, *attributes: str, retention: str = "1d") -> None:
    """Create a namespace by hand, with search attributes such as `HydraReaps=Text`."""
    temporal(server, f"temporal operator namespace create --namespace {namespace} --retention {retention}")
    if attributes:
        pairs = " ".join(f"--name {name} --type {kind}" for name, kind in (pair.split("=") for pair in attributes))
        create = f"temporal operator search-attribute create --namespace {namespace} {pairs}"
        for _ in range(100):  # the server does not know the namespace at once
            with suppress(subprocess.CalledProcessError):
                temporal(server, create)
                return
            time.sleep(0.2)
        raise AssertionError(f"no search attributes can be created: {create}")


def retention(server: str, namespace: str) -> timedelta:
    async def read() -> timedelta:
        client = await Client.connect(server)
        described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
        kept: timedelta = described.config.workflow_execution_retention_ttl.ToTimedelta()
        return kept

    return asyncio.run(read())


def changes(done: Run) -> dict[str, str]:
    """What a command that succeeded did, by part."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    *lines, last = done.stdout.splitlines()
    assert last.endswith("is ready for HydraNet.")
    return dict(re.split(" {2,}", line) for line in lines)


def refused(done: Run) -> str:
    """The one sentence of a command that was refused."""
    assert done.returncode == 2, done.stdout + done.stderr
    [sentence] = done.stderr.splitlines()
    return sentence


def quoted(sentence: str) -> str:
    """The `temporal` command that a sentence names."""
    [command] = re.findall("`(temporal .+?)`", sentence)
    return str(command)


ATTRIBUTES = {name: f"search attribute {name} ({kind})" for name, kind in load_definition().search_attributes.items()}


def test_a_namespace_is_created_once(server: str, namespace: str, hydra: Hydra) -> None:
    assert "run `hydra setup-temporal`" in refused(hydra("show"))
    first = changes(hydra("setup-temporal"))
    assert first.pop(f"namespace {namespace}") == "created"
    assert first.pop("retention of 30 days") == "there already"
    assert first == dict.fromkeys(ATTRIBUTES.values(), "added")
    assert set(changes(hydra("setup-temporal")).values()) == {"there already"}
    assert retention(server, namespace) == timedelta(days=30)
    assert "There is no run yet" in hydra("runs").stdout


def test_two_at_once_do_not_disturb_each_other(hydra: Hydra) -> None:
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: hydra("setup-temporal"), range(2)))
    assert [done.returncode for done in both] == [0, 0], both
    assert set(changes(hydra("setup-temporal")).values()) == {"there already"}


def test_a_namespace_gets_what_it_lacks(server: str, namespace: str, hydra: Hydra) -> None:
    create_namespace(server, namespace, "HydraReaps=Int", "Another=Keyword")
    sentence = refused(hydra("show"))
    assert "`hydra setup-temporal`" in sentence
    assert {name for name in ATTRIBUTES if name in sentence} == ATTRIBUTES.keys() - {"HydraReaps"}
    done = changes(hydra("setup-temporal"))
    assert [part for part, change in done.items() if change == "added"] == [
        part for name, part in ATTRIBUTES.items() if name != "HydraReaps"
    ]
    assert done["retention of 30 days"] == "set, it was 1 days"
    assert retention(server, namespace) == timedelta(days=30)
    assert hydra("runs").returncode == 0


def test_a_longer_retention_stays(server: str, namespace: str, hydra: Hydra) -> None:
    create_namespace(server, namespace, retention="90d")
    assert changes(hydra("setup-temporal"))["retention of 90 days"] == "there already"
    assert retention(server, namespace) == timedelta(days=90)


@pytest.mark.parametrize(("attribute", "kind"), [("HydraBranches", "Keyword"), ("HydraVerdict", "KeywordList")])
def test_an_attribute_of_another_type_is_refused(
    server: str, namespace: str, hydra: Hydra, attribute: str, kind: str
) -> None:
    create_namespace(server, namespace, f"{attribute}={kind}")
    assert attribute in refused(hydra("show"))
    sentence = refused(hydra("setup-temporal"))
    assert f"has the type {kind} instead of {load_definition().search_attributes[attribute]}" in sentence
    assert retention(server, namespace) == timedelta(days=1)
    temporal(server, f"{quoted(sentence)} --yes")
    assert changes(hydra("setup-temporal"))[ATTRIBUTES[attribute]] == "added"


def test_a_namespace_without_room_is_refused(server: str, namespace: str, hydra: Hydra) -> None:
    create_namespace(server, namespace, "A=Int", "B=Int", "C=Int")
    sentence = refused(hydra("setup-temporal"))
    assert "cannot have more than 3 search attribute of type Int" in sentence
    assert "another namespace in 'temporal.namespace'" in sentence


def test_a_worker_says_what_its_namespace_lacks(server: str, namespace: str, hydra: Hydra) -> None:
    assert "`hydra setup-temporal`" in refused(hydra("worker", "inference"))
    create_namespace(server, namespace, "Another=Keyword")
    assert "HydraRepository, HydraVerdict" in refused(hydra("worker", "supervisor"))


def test_a_run_sets_up_a_namespace_where_the_attributes_are_missing(
    server: str, namespace: str, hydra: Hydra, tmp_path: Path
) -> None:
    create_namespace(server, namespace, "Another=Keyword")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=T", "-c", "user.email=t@localhost"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "base"], check=True)
    done = hydra("fix", "--repo", str(tmp_path), "--issue", "x", "--model", "templates")
    assert done.returncode == 2
    *notes, sentence = done.stderr.splitlines()
    assert any(note.endswith("added") for note in notes)
    assert "PostgreSQL" in sentence
    assert "added" not in hydra("setup-temporal").stdout


@pytest.mark.parametrize("address", ["127.0.0.1:1", "a b:7233"])
def test_an_address_without_a_server_is_refused(hydra: Hydra, address: str) -> None:
    assert f"No Temporal server answers at {address}" in refused(hydra("setup-temporal", address=address))


def test_a_server_that_says_nothing_is_given_up(hydra: Hydra) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert f"No Temporal server answers at {address}" in refused(hydra("setup-temporal", address=address))


def test_the_embedded_server_needs_no_set_up(hydra: Hydra) -> None:
    assert "set 'temporal.address'" in refused(hydra("setup-temporal", address=""))


class Gate(grpc.GenericRpcHandler):
    """A gate in front of a server, which answers some calls with an error of its own."""

    def __init__(self, channel: grpc.Channel, errors: dict[str, grpc.StatusCode]) -> None:
        self._channel = channel
        self._errors = errors

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        method: str = handler_call_details.method
        forward: Any = self._channel.unary_unary(method)

        def answer(request: bytes, context: Any) -> bytes:
            if error := self._errors.get(method.rpartition("/")[2]):
                context.abort(error, "Request unauthorized.")
            try:
                return bytes(forward(request))
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())
                raise

        return grpc.unary_unary_rpc_method_handler(answer)


@contextmanager
def gate(server: str, *calls: str, error: grpc.StatusCode = grpc.StatusCode.PERMISSION_DENIED) -> Iterator[str]:
    """The address of a gate that answers these calls with the error."""
    with grpc.insecure_channel(server) as channel, ThreadPoolExecutor() as pool:
        listening = grpc.server(pool, [Gate(channel, dict.fromkeys(calls, error))])
        port = listening.add_insecure_port("127.0.0.1:0")
        listening.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            listening.stop(None).wait()


@pytest.mark.parametrize("call", ["RegisterNamespace", "AddSearchAttributes", "UpdateNamespace"])
def test_what_is_not_allowed_can_be_done_by_an_administrator(
    server: str, namespace: str, hydra: Hydra, call: str
) -> None:
    if call != "RegisterNamespace":
        create_namespace(server, namespace)
    with gate(server, call) as address:
        sentence = refused(hydra("setup-temporal", address=address))
        assert "does not let you" in sentence
        temporal(server, quoted(sentence))
        assert "there already" in changes(hydra("setup-temporal", address=address)).values()


def test_who_may_change_nothing_can_use_what_is_there(server: str, namespace: str, hydra: Hydra) -> None:
    changes(hydra("setup-temporal"))
    with gate(server, "RegisterNamespace", "AddSearchAttributes", "UpdateNamespace") as address:
        assert set(changes(hydra("setup-temporal", address=address)).values()) == {"there already"}
    with gate(server, "ListSearchAttributes") as address:
        assert hydra("runs", address=address).returncode == 0
        assert "does not let you" in refused(hydra("setup-temporal", address=address))
    with gate(server, "CountWorkflowExecutions") as address:
        changes(hydra("setup-temporal", address=address))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [("GetSystemInfo", "does not let you in"), ("DescribeNamespace", "does not let you see or create the namespace")],
)
def test_who_is_not_let_in_is_told(server: str, hydra: Hydra, call: str, sentence: str) -> None:
    for error in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED):
        with gate(server, call, error=error) as address:
            assert f"{address} {sentence}" in refused(hydra("setup-temporal", address=address))


def test_who_may_not_use_the_namespace_is_told(server: str, hydra: Hydra) -> None:
    with gate(server, "ListSearchAttributes", "DescribeNamespace") as address:
        for done in (hydra("show", address=address), hydra("worker", "inference", address=address)):
            assert "does not let you use the namespace" in refused(done)


def test_a_connection_that_is_lost_is_told(server: str, hydra: Hydra) -> None:
    for call in ("DescribeNamespace", "AddSearchAttributes", "CountWorkflowExecutions"):
        for error in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            with gate(server, call, error=error) as address:
                assert "run this command again" in refused(hydra("setup-temporal", address=address))
