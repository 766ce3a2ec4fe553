"""A stack with a cluster: who gets in, what each certificate may call, and how a node is shut out."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from temporalio.api.operatorservice.v1 import service_pb2 as operator_service
from temporalio.api.workflowservice.v1 import service_pb2 as workflow_service

from activities.private_file import write_private
from hydranet.errors import UsageError
from tests.e2e.conftest import HYDRA, Hydra, following
from workers.cluster import joining
from workers.cluster.authority import Authority, Issued, make_key, request_certificate, write_key
from workers.cluster.envoy import METHODS
from workers.cluster.folder import ClusterFolder
from workers.cluster.joining import JoinPlace, UnreachableError
from workers.cluster.membership import MemberFolder, Membership
from workers.cluster.registry import NodeRecord, Registry
from workers.cluster.tokens import Tokens, parse_token

SERVICES = [
    *workflow_service.DESCRIPTOR.services_by_name.values(),
    *operator_service.DESCRIPTOR.services_by_name.values(),
]
# What an attacker would do first.
ATTACKS = (
    *("StartWorkflowExecution", "SignalWithStartWorkflowExecution", "SignalWorkflowExecution", "QueryWorkflow"),
    *("TerminateWorkflowExecution", "ResetWorkflowExecution", "GetWorkflowExecutionHistory"),
    *("ListWorkflowExecutions", "UpdateWorkflowExecution", "PollWorkflowTaskQueue", "RespondWorkflowTaskCompleted"),
)


class NodeA:
    """The stack, the folder of its cluster, and the place where nodes join."""

    def __init__(self, hydra: Hydra, port: int) -> None:
        self.hydra = hydra
        self.folder = ClusterFolder(hydra.data)
        self.place = JoinPlace("127.0.0.1", port)

    def make_token(self, role: str = "sandbox", uses: int = 1) -> str:
        return Tokens(self.folder).create(self.folder.load_authority().digest, [role], timedelta(hours=1), uses)

    def issue(self, role: str, lifetime: timedelta = timedelta(hours=1)) -> tuple[str, Issued]:
        key = make_key()
        return write_key(key), self.folder.load_authority().issue_node(
            request_certificate(key, "x"), "x", role, lifetime
        )

    async def join(self, folder: Path, name: str, role: str = "sandbox", token: str = "") -> Member:
        member, parts = MemberFolder(folder), parse_token(token or self.make_token(role))
        authority = await joining.fetch_authority(self.place, parts)
        return Member(member, await joining.join(self.place, authority, parts, name, role, member))

    def find(self, name: str) -> NodeRecord:
        """The record of a node."""
        (record,) = [node for node in Registry(self.folder).list() if node.name == name]
        return record

    def open_channel(self, key: str, certificate: str) -> grpc.Channel:
        authority = self.folder.authority.read_bytes()
        credentials = grpc.ssl_channel_credentials(authority, key.encode(), certificate.encode())
        return grpc.secure_channel(f"127.0.0.1:{self.place.port + 1}", credentials)


class Member:
    """A node that has joined."""

    def __init__(self, folder: MemberFolder, membership: Membership) -> None:
        self.folder = folder
        self.membership = membership
        self.dsn = folder.build_variables(membership)["HYDRA_DATABASE"]

    @property
    def pair(self) -> tuple[str, str]:
        certificate = self.folder.read_certificate()
        return self.folder.node.read_text().partition("-----END CERTIFICATE-----\n")[2], certificate


@pytest.fixture(scope="module")
def node_a() -> Iterator[NodeA]:
    with tempfile.TemporaryDirectory(prefix="hydra-") as name:
        port = find_ports()
        env = {"HYDRA_CLUSTER__LISTEN": "127.0.0.1", "HYDRA_CLUSTER__PORT": str(port)}
        hydra = Hydra(Path(name) / "data", env)
        done = hydra("cluster", "init", "--host", "127.0.0.1")
        assert done.returncode == 0, done.stderr
        try:
            yield NodeA(hydra, port)
            hydra("down")
        finally:
            hydra.kill()


def find_ports() -> int:
    for port in range(17_000 + os.getpid() % 10_000, 60_000, 3):
        try:
            for number in range(port, port + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", number))
        except OSError:
            continue
        return port
    raise AssertionError("no ports")


def connect(dsn: str) -> psycopg.Connection[Any]:
    """Connect to the database as a worker's pool does: again, where it did not listen at that moment."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return psycopg.connect(dsn)
        except psycopg.OperationalError as error:
            if "Connection refused" not in str(error) or time.monotonic() > deadline:
                raise


def is_refused(context: ssl.SSLContext, plain: socket.socket) -> bool:
    try:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
            # With TLS 1.3 a client learns by its first read that its certificate was refused.
            return not tls.recv(1)
    except (ssl.SSLError, ConnectionError):
        return True


def find_envoy(node_a: NodeA) -> psutil.Process:
    for _ in range(100):
        for process in psutil.process_iter(["name", "cmdline"]):
            if process.info["name"] == "envoy" and str(node_a.folder.envoy) in (process.info["cmdline"] or ()):
                return process
        time.sleep(0.1)
    raise AssertionError("Envoy does not run")


def call(channel: grpc.Channel, method: str) -> grpc.StatusCode:
    """The status of a call with an empty request."""
    try:
        channel.unary_unary(method, request_serializer=bytes)(b"", timeout=10)
    except grpc.RpcError as error:
        status: grpc.StatusCode = error.code()
        return status
    return grpc.StatusCode.OK


@pytest.mark.parametrize("role", ["sandbox", "inference"])
def test_a_nodes_certificate_may_do_what_a_worker_of_activities_does_and_nothing_else(node_a: NodeA, role: str) -> None:
    key, issued = node_a.issue(role)
    methods = {f"/{service.full_name}/{method.name}" for service in SERVICES for method in service.methods}
    allowed = set(METHODS[role]) & methods
    with closing(node_a.open_channel(key, issued.certificate)) as channel:
        assert call(channel, "/grpc.health.v1.Health/Check") is grpc.StatusCode.OK
        for method in methods - allowed:
            assert call(channel, method) is grpc.StatusCode.PERMISSION_DENIED, method
        answers = {method.rpartition("/")[2]: call(channel, method) for method in allowed}
    assert answers["GetSystemInfo"] is grpc.StatusCode.OK
    assert answers["PollActivityTaskQueue"] is grpc.StatusCode.INVALID_ARGUMENT
    assert grpc.StatusCode.PERMISSION_DENIED not in answers.values()
    assert set(ATTACKS) & {method.rpartition("/")[2] for method in allowed} == set()


def test_a_certificate_without_a_role_that_joins_may_do_nothing(node_a: NodeA) -> None:
    key, issued = node_a.issue("supervisor")
    with closing(node_a.open_channel(key, issued.certificate)) as channel:
        for method in METHODS["sandbox"]:
            assert call(channel, method) is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize("kind", ["none", "another authority's", "expired", "the server's"])
def test_without_a_certificate_of_a_node_nobody_gets_in(node_a: NodeA, tmp_path: Path, kind: str) -> None:
    pair = tmp_path / "pair.pem"
    if kind == "another authority's":
        key = make_key()
        issued = Authority.create().issue_node(request_certificate(key, "x"), "x", "sandbox")
        pair.write_text(issued.certificate + write_key(key))
    elif kind == "expired":
        expired_key, issued = node_a.issue("sandbox", timedelta(seconds=-1))
        pair.write_text(issued.certificate + expired_key)
    elif kind == "the server's":
        pair.write_text(node_a.folder.server.read_text() + node_a.folder.server_key.read_text())
    context = ssl.create_default_context(cadata=node_a.folder.authority.read_text())
    if pair.exists():
        context.load_cert_chain(pair)
    for offset, protocol in ((1, "h2"), (2, "postgresql")):
        context.set_alpn_protocols([protocol])
        with socket.create_connection(("127.0.0.1", node_a.place.port + offset), 10) as plain:
            assert is_refused(context, plain)


def test_tls_below_1_3_is_refused(node_a: NodeA) -> None:
    context = ssl.create_default_context(cadata=node_a.folder.authority.read_text())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    for offset in range(3):
        with (
            socket.create_connection(("127.0.0.1", node_a.place.port + offset), 10) as plain,
            pytest.raises((ssl.SSLError, ConnectionError)),
        ):
            context.wrap_socket(plain, server_hostname="127.0.0.1").close()


async def test_the_database_lets_in_the_logins_of_nodes_alone(node_a: NodeA, tmp_path: Path) -> None:
    member = await node_a.join(tmp_path, "pg")
    with psycopg.connect(member.dsn) as connection:
        cursor = connection.execute("SELECT current_user, inet_client_addr() IS NOT NULL")
        assert cursor.fetchone() == ("hydra_sandbox_pg", True)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM artifacts")
    for user, password in (("postgres", ""), ("postgres", "x"), ("hydra_sandbox_pg", "x"), ("hydra_sandbox", "x")):
        with pytest.raises(psycopg.OperationalError, match=r"reject|authentication failed|no password"):
            psycopg.connect(make_conninfo(member.dsn, user=user, password=password))


async def test_a_token_is_good_for_its_uses_and_a_name_for_a_node(node_a: NodeA, tmp_path: Path) -> None:
    token = node_a.make_token(uses=2)
    await node_a.join(tmp_path / "1", "first", token=token)
    with pytest.raises(UsageError, match="'first' has joined already"):
        await node_a.join(tmp_path / "2", "first", token=token)
    await node_a.join(tmp_path / "2", "second", token=token)
    with pytest.raises(UsageError, match="used up"):
        await node_a.join(tmp_path / "3", "third", token=token)
    assert not (tmp_path / "3").exists()


async def test_a_node_of_another_version_is_refused_and_its_token_stays_good(
    node_a: NodeA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = node_a.make_token()
    with monkeypatch.context() as patched:
        patched.setattr(joining, "contract_version", lambda: "999999")
        with pytest.raises(UsageError, match="version"):
            await node_a.join(tmp_path / "1", "old", token=token)
    await node_a.join(tmp_path / "1", "old", token=token)


async def test_a_certificate_is_renewed_with_the_present_one_and_works(node_a: NodeA, tmp_path: Path) -> None:
    member = await node_a.join(tmp_path, "renewing")
    before = member.folder.read_certificate()
    assert await joining.renew(member.folder, member.membership) is False
    assert await joining.renew(member.folder, member.membership, at_once=True) is True
    assert member.folder.read_certificate() != before
    with closing(node_a.open_channel(*member.pair)) as channel:
        assert call(channel, METHODS["sandbox"][0]) is grpc.StatusCode.OK
    psycopg.connect(member.dsn).close()


def test_a_worker_renews_its_certificate_by_itself_and_goes_on(node_a: NodeA, tmp_path: Path) -> None:
    member = asyncio.run(node_a.join(tmp_path, "worker"))
    before = node_a.find("worker")
    # With 20 seconds until a third is left: the worker starts with it, also on a busy machine.
    key, issued = node_a.issue("sandbox", timedelta(seconds=30))
    Registry(node_a.folder).renew(before.certificates[0].serial, issued)
    write_private(member.folder.node, issued.certificate + key)
    code = "from workers.cluster import node; node._CHECK_SECONDS = 0.5\n"
    code += "import sys; from hydra_cli import main; sys.argv = ['hydra', 'worker']; main()"
    env = Hydra(tmp_path, {"HYDRA_SANDBOX__BACKEND": "bubblewrap"}).environment()
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as worker:
        try:
            following(worker, "ready\n")
            assert member.folder.read_certificate() == issued.certificate
            following(worker, "ready\n")
            assert member.folder.read_certificate() != issued.certificate
            assert worker.poll() is None
            revoked = node_a.hydra("cluster", "revoke", "worker")
            assert revoked.returncode == 0
            assert "knows no valid certificate of this node" in following(worker, "knows no valid certificate")
            assert worker.wait(20) == 2
        finally:
            worker.kill()


def test_a_machine_that_reaches_the_join_server_alone_has_joined_and_is_told_which_ports_are_shut(
    node_a: NodeA, tmp_path: Path
) -> None:
    member = Hydra(tmp_path / "data", {"HYDRA_SANDBOX__BACKEND": "bubblewrap"})
    envoy = find_envoy(node_a)
    envoy.suspend()
    try:
        token = node_a.make_token()
        command = ("join", "--host", node_a.place.address, "--role", "sandbox", "--name", "shut-off", "--token", token)
        done = member(*command)
    finally:
        envoy.resume()
    port = node_a.place.port
    assert (done.returncode, "Joined " in done.stdout) == (1, True), done.stderr
    assert f"open the TCP ports {port} to {port + 2} of 127.0.0.1 to this machine" in done.stderr
    assert "keep this running" in done.stdout


def test_a_model_that_does_not_answer_is_told_by_who_joins(node_a: NodeA, tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        model = f"openai:http://127.0.0.1:{nobody.getsockname()[1]}/v1#coder"
        member = Hydra(tmp_path / "data", {"HYDRA_MODEL": model})
        token = node_a.make_token("inference")
        command = ("join", "--host", node_a.place.address, "--role", "inference", "--name", "mute", "--token", token)
        done = member(*command)
    assert done.returncode == 0, done.stderr
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("Warning: ") and model in line]
    assert "start the server, or choose another model" in warning
    assert "PostgreSQL answers over mutual TLS" in done.stdout


async def test_node_a_tells_what_its_nodes_need_and_who_they_are(node_a: NodeA, tmp_path: Path) -> None:
    member = await node_a.join(tmp_path, "known")
    serial = node_a.find("known").certificates[0].serial
    done = await asyncio.to_thread(node_a.hydra, "doctor", "--json")
    found = {check["name"]: check for check in json.loads(done.stdout) if check["where"] == "cluster"}
    assert {found[f"port of {name}"]["level"] for name in ("the join server", "Temporal", "PostgreSQL")} == {"ok"}
    assert found["names"]["text"] == "nodes reach this machine as 127.0.0.1"
    assert found["its certificate"]["level"] == "ok"
    assert serial in found["node known (sandbox)"]["text"]
    told = await asyncio.to_thread(node_a.hydra, "cluster", "status", "--json")
    (node,) = [node for node in json.loads(told.stdout)["members"] if node["name"] == "known"]
    assert (node["certificates"][0]["serial"], "login" in node) == (serial, False)
    assert node["role"] == member.membership.role
    told = await asyncio.to_thread(node_a.hydra, "cluster", "status")
    assert re.search(rf"known +sandbox +127.0.0.1 +{serial}", told.stdout), told.stdout


def test_a_token_is_listed_and_revoked_by_its_id(node_a: NodeA, tmp_path: Path) -> None:
    made = node_a.hydra("cluster", "token", "create", "--role", "inference", "--uses", "7").stdout.strip()
    (line,) = [line.split() for line in node_a.hydra("cluster", "token", "list").stdout.splitlines() if " 7 " in line]
    assert (line[1], line[2], line[-1]) == ("inference", "7", "valid"), line
    assert line[0] not in ("", made)
    revoked = node_a.hydra("cluster", "token", "revoke", line[0])
    assert (revoked.returncode, revoked.stdout) == (0, f"The token {line[0]} is revoked.\n")
    command = ("join", "--host", node_a.place.address, "--role", "inference", "--name", "late", "--token", made)
    refused = Hydra(tmp_path / "data")(*command)
    assert (refused.returncode, "revoked" in refused.stderr) == (2, True), refused.stderr


async def test_a_revoked_node_is_out_at_once_with_all_its_certificates(node_a: NodeA, tmp_path: Path) -> None:
    member = await node_a.join(tmp_path, "thief")
    stolen = member.pair
    await joining.renew(member.folder, member.membership, at_once=True)
    with closing(node_a.open_channel(*stolen)) as channel, connect(member.dsn) as connection:
        assert call(channel, METHODS["sandbox"][0]) is grpc.StatusCode.OK
        done = await asyncio.to_thread(node_a.hydra, "cluster", "revoke", "thief")
        assert done.returncode == 0, done.stderr
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        # The open connection ends within the second after which the stack looks at the list.
        for _ in range(100):
            if call(channel, METHODS["sandbox"][0]) is grpc.StatusCode.UNAVAILABLE:
                break
            await asyncio.sleep(0.1)
    for pair in (stolen, member.pair):
        with closing(node_a.open_channel(*pair)) as channel:
            assert call(channel, METHODS["sandbox"][0]) is grpc.StatusCode.UNAVAILABLE
    for refused in (joining.check_in, joining.leave):
        with pytest.raises(UsageError, match="knows no valid certificate"):
            await refused(member.folder, member.membership)
    with pytest.raises(UsageError, match="knows no valid certificate"):
        await joining.renew(member.folder, member.membership, at_once=True)


async def test_a_node_that_leaves_is_forgotten_and_its_name_is_free(node_a: NodeA, tmp_path: Path) -> None:
    member = await node_a.join(tmp_path / "1", "leaver")
    await joining.leave(member.folder, member.membership)
    await node_a.join(tmp_path / "2", "leaver")


async def test_envoy_is_started_again_when_it_dies(node_a: NodeA) -> None:
    key, issued = node_a.issue("sandbox")
    envoy = find_envoy(node_a)
    envoy.send_signal(signal.SIGKILL)
    envoy.wait(10)
    for _ in range(100):
        with closing(node_a.open_channel(key, issued.certificate)) as channel:
            if call(channel, METHODS["sandbox"][0]) is grpc.StatusCode.OK:
                return
        await asyncio.sleep(0.1)
    raise AssertionError("Envoy did not come back")


async def test_envoy_finds_neither_the_authoritys_key_nor_the_other_sockets(node_a: NodeA) -> None:
    envoy = find_envoy(node_a)
    seen = Path(f"/proc/{envoy.pid}/root{node_a.hydra.data.resolve()}")
    assert sorted(path.name for path in seen.iterdir()) == ["cluster", "run"]
    assert [path.name for path in (seen / "cluster").iterdir()] == ["front"]
    assert [path.name for path in (seen / "run").iterdir()] == ["nodes"]


async def test_what_does_not_answer_as_node_a_is_told_apart(node_a: NodeA, tmp_path: Path) -> None:
    token = parse_token(node_a.make_token())
    other = parse_token(f"hn1.{Authority.create().digest}.{'x' * 43}")
    with pytest.raises(UsageError, match="is not the one that the token names"):
        await joining.fetch_authority(node_a.place, other)
    with pytest.raises(UsageError, match=r"is for 127\.0\.0\.1, not for localhost: give .* or run `hydra cluster init"):
        await joining.fetch_authority(JoinPlace("localhost", node_a.place.port), token)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(UnreachableError, match="refused"):
            await joining.fetch_authority(JoinPlace("127.0.0.1", closed.getsockname()[1]), token)

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        with pytest.raises(UsageError, match="is no node A"):
            await joining.fetch_authority(JoinPlace("127.0.0.1", server.sockets[0].getsockname()[1]), token)


async def test_a_wrong_clock_is_named(node_a: NodeA, monkeypatch: pytest.MonkeyPatch) -> None:
    token = parse_token(node_a.make_token())
    now = time.time()
    for shift, words in ((3600, "60 minutes ahead of"), (-3600, "60 minutes behind")):
        monkeypatch.setattr("workers.cluster.joining.time.time", lambda shift=shift: now + shift)
        with pytest.raises(UsageError, match=words):
            await joining.fetch_authority(node_a.place, token)


def test_join_says_what_it_waits_for(node_a: NodeA, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        command = [
            str(HYDRA),
            "join",
            "--host",
            address,
            "--role",
            "inference",
            "--token",
            node_a.make_token("inference"),
        ]
        env = Hydra(tmp_path / "data").environment()
        with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr is not None
            lines = iter(waiting.stderr.readline, "")
            line = next(line for line in lines if line.startswith("Waiting"))
            waiting.kill()
    assert f"Node A does not answer at {address}" in line


def test_a_cluster_beside_servers_of_ones_own_is_refused(tmp_path: Path) -> None:
    for env in ({"TEMPORAL_ADDRESS": "10.0.0.1:7233"}, {"HYDRA_DATABASE": "postgresql://u@h/d"}):
        done = Hydra(tmp_path / "data", env)("cluster", "init")
        assert done.returncode == 2
        assert "needs no node A: configure every machine by TEMPORAL_ADDRESS" in done.stderr
        assert not (tmp_path / "data").exists()
