"""Three hosts over TLS, set up by the commands of the guide, and a fourth that gets nothing."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.conftest import following, git, repository
from tests.e2e.network import Host, Network, open_network, share_base_environment
from tests.e2e.test_mutual_tls import SOURCE, TESTS
from tests.integration.workers.test_cluster import ATTACKS
from workers.cluster.authority import Authority
from workers.cluster.folder import ClusterFolder
from workers.cluster.membership import MemberFolder
from workers.cluster.tokens import Tokens

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "cluster.md"
_BLOCK = re.compile(r'```sh title="(node [A-C](?:, node [A-C])*)"\nhydra (.*)\n```')

# From the moment of a loss until its user reads about it.
SECONDS = 15.0
SLOW_TEST = """

def test_slowly():
    __import__("time").sleep(3)
"""


class Mesh(NamedTuple):
    network: Network
    hosts: dict[str, Host]
    workers: dict[str, subprocess.Popen[str]]
    fixed: subprocess.CompletedProcess[str]
    traffic: bytes


def follow_guide(network: Network, hosts: dict[str, Host], workers: contextlib.ExitStack) -> Mesh:
    """Give the commands of the guide, word by word but for the token."""
    token, traffic = "", network.folder / "traffic"
    started: dict[str, subprocess.Popen[str]] = {}
    with network.sniff(traffic):
        for names, line in _BLOCK.findall(GUIDE.read_text()):
            command = [part.strip('"') for part in re.findall(r'"[^"]*"|\S+', line.replace("TOKEN", token))]
            for name in names.split(", "):
                host = hosts[name]
                if command == ["worker"]:
                    started[name] = workers.enter_context(host.start(*command))
                    following(started[name], "ready")
                    continue
                done = host(*command)
                print(name, *command, done.stdout, done.stderr, sep="\n")
                assert done.returncode == 0
                token = token or re.findall(r"hn1\.\S+", done.stdout)[0]
    return Mesh(network, hosts, started, done, traffic.read_bytes())


@pytest.fixture(scope="module")
def mesh() -> Iterator[Mesh]:
    with open_network() as network, contextlib.ExitStack() as workers:
        names = ("node A", "node B", "node C", "a stranger")
        hosts = {
            name: network.add_host(name.replace(" ", "-").lower(), f"192.168.7.{10 + number}")
            for number, name in enumerate(names)
        }
        repository(hosts["node A"].home / "depot", {"total.py": SOURCE, "test_total.py": TESTS})
        share_base_environment(hosts["node C"])
        try:
            yield follow_guide(network, hosts, workers)
        finally:
            network.end()


def test_the_guide_leads_to_a_fix_over_three_machines(mesh: Mesh) -> None:
    assert "fixed" in mesh.fixed.stdout
    depot = mesh.hosts["node A"].home / "depot"
    assert "hydra/fix-" in git(depot, "branch", "--list")
    # What was not done on node A came over the network.
    assert not (mesh.hosts["node A"].data / "cache" / "environments").exists()


def test_every_node_is_seen_from_node_a_and_is_well(mesh: Mesh) -> None:
    status = mesh.hosts["node A"]("cluster", "status", "--json")
    assert status.returncode == 0, status.stdout + status.stderr
    nodes = {node["role"]: node for node in json.loads(status.stdout)["nodes"] if node["alive"]}
    assert {role: node["host"] for role, node in nodes.items()} == {
        "supervisor": "node-a",
        "inference": "node-b",
        "sandbox": "node-c",
    }
    assert all(node["meters"] for node in nodes.values()), nodes
    for name, place in (("node A", "node-c (sandbox)"), ("node C", "this machine")):
        done = mesh.hosts[name]("doctor", "--json")
        checks = json.loads(done.stdout)
        assert done.returncode == 0, [check for check in checks if check["level"] != "ok"]
        assert {"disk", "bubblewrap", "user namespaces"} <= {c["name"] for c in checks if c["where"] == place}
    assert {"the server's certificate", "your certificate", "node"} <= {check["name"] for check in checks}


def test_who_listens_on_the_network_sees_no_source_and_no_key(mesh: Mesh) -> None:
    depot = mesh.hosts["node A"].home / "depot"
    lines = {
        line.strip().encode()
        for file in git(depot, "ls-files", "*.py").splitlines()
        for line in (depot / file).read_text().splitlines()
    }
    assert len(mesh.traffic) > 100_000
    assert [line for line in lines if len(line) > 20 and line in mesh.traffic] == []
    node = mesh.hosts["node C"].data / "cluster"
    secrets = [
        *(text.encode() for text in (node / "seal").read_text().replace(":", "\n").split() if len(text) > 20),
        re.findall(r'"password":\s*"([^"]+)"', (node / "membership.json").read_text())[0].encode(),
    ]
    assert [secret for secret in secrets if secret in mesh.traffic] == []
    # In clear are the names and numbers of Temporal's and PostgreSQL's protocols, where TLS is not.
    assert b"PollActivityTaskQueue" not in mesh.traffic
    assert b"hydra_sandbox" not in mesh.traffic


def test_a_run_names_who_is_cut_off_and_outlives_the_host_of_node_a(mesh: Mesh) -> None:
    node_a, node_c = mesh.hosts["node A"], mesh.hosts["node C"]
    depot = repository(node_a.home / "slow", {"total.py": SOURCE, "test_total.py": TESTS + SLOW_TEST})
    arguments = ("fix", "--repo", depot, "--issue", "total() is wrong, slowly", "--model", "templates")
    with node_a.start(*arguments) as command:
        following(command, "running the tests at the base commit")
        mesh.network.cut(node_c)
        since = time.monotonic()
        following(command, "no worker polls hydra-sandbox since")
        assert time.monotonic() - since < SECONDS
        mesh.network.mend(node_c)
        following(command, "NODE_BACK: node-c polls hydra-sandbox")
        node_a.kill()
        since = time.monotonic()
    following(mesh.workers["node C"], "Temporal does not answer")
    assert time.monotonic() - since < SECONDS
    up = node_a("up")
    assert up.returncode == 0, up.stderr
    done = node_a(*arguments)
    assert "open already: this command follows it" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout


def test_a_fourth_host_gets_nothing(mesh: Mesh) -> None:
    stranger, folder = mesh.hosts["a stranger"], ClusterFolder(mesh.hosts["node A"].data)
    digest = folder.load_authority().digest
    tokens = Tokens(folder)
    expired = tokens.create(digest, ["sandbox"], timedelta(0), 1)
    other_role = tokens.create(digest, ["inference"], timedelta(hours=1), 1)
    for token, reason in (
        ("hydra", "is no join token"),
        (f"hn1.{digest}.{'x' * 43}", "does not know this token"),
        (expired, "expired at"),
        (other_role, "is for the role inference, not sandbox"),
        (f"hn1.{Authority.create().digest}.{'x' * 43}", "is not the one that the token names"),
    ):
        done = stranger("join", "--host", "192.168.7.10", "--role", "sandbox", "--token", token)
        assert done.returncode == 2
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (stranger.data / "cluster").exists()
    ports = stranger.run("python3", "-c", _TRY_PORTS)
    assert ports.stdout.split() == ["refused", "refused"], ports.stderr


def test_a_stolen_certificate_of_a_sandbox_starts_and_reads_nothing_of_runs(mesh: Mesh) -> None:
    """The fourth host has all that is on node C's disk."""
    stolen = MemberFolder(mesh.hosts["node C"].data)
    membership = stolen.load()
    assert membership is not None
    variables = stolen.build_variables(membership)
    address = variables["TEMPORAL_ADDRESS"]
    arguments = (address, str(stolen.authority), str(stolen.node), variables["HYDRA_DATABASE"])
    done = mesh.hosts["a stranger"].run(sys.executable, "-c", _TRY_STOLEN, *arguments)
    assert json.loads(done.stdout) == {
        **dict.fromkeys(ATTACKS, "PERMISSION_DENIED"),
        **dict.fromkeys(("artifacts", "runs", "run_logs"), "InsufficientPrivilege"),
    }, done.stderr


_TRY_STOLEN = f"""
import grpc, json, psycopg, sys
address, authority, node, dsn = sys.argv[1:]
pem = open(node, "rb").read()
certificate, key = pem[: pem.index(b"-----BEGIN PRIVATE")], pem[pem.index(b"-----BEGIN PRIVATE") :]
credentials = grpc.ssl_channel_credentials(open(authority, "rb").read(), key, certificate)
answers = {{}}
with grpc.secure_channel(address, credentials) as channel:
    for method in {ATTACKS!r}:
        try:
            channel.unary_unary("/temporal.api.workflowservice.v1.WorkflowService/" + method, bytes)(b"", timeout=10)
        except grpc.RpcError as error:
            answers[method] = error.code().name
with psycopg.connect(dsn, autocommit=True) as connection:
    for table in ("artifacts", "runs", "run_logs"):
        try:
            connection.execute("SELECT * FROM " + table).fetchone()
        except psycopg.Error as error:
            answers[table] = type(error).__name__
print(json.dumps(answers))
"""


_TRY_PORTS = """
import socket, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
for port, protocol in ((7844, "h2"), (7845, "postgresql")):
    context.set_alpn_protocols([protocol])
    with socket.create_connection(("192.168.7.10", port), 5) as plain:
        try:
            with context.wrap_socket(plain) as tls:
                tls.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n")
                print("answered" if tls.recv(1) else "refused")
        except (ssl.SSLError, ConnectionError):
            print("refused")
"""


def test_a_node_that_is_revoked_is_out(mesh: Mesh) -> None:
    node = mesh.hosts["node C"]
    again = node("join", "--host", "192.168.7.10", "--role", "sandbox", "--token", f"hn1.{'a' * 64}.{'x' * 43}")
    assert "has joined 192.168.7.10 already" in again.stderr
    other = node("worker", "inference")
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)
    assert "joined 192.168.7.10 for sandbox alone" in other.stderr
    refused = node("runs")
    assert "works as the node 'node-c' (sandbox) of 192.168.7.10" in refused.stderr
    done = mesh.hosts["node A"]("cluster", "revoke", "node-c")
    assert done.returncode == 0, done.stderr
    worker = node("worker")
    assert worker.returncode == 2
    assert "knows no valid certificate of this node, or it was revoked" in worker.stderr
    left = node("cluster", "leave")
    assert left.returncode == 0, left.stderr
    assert not (node.data / "cluster").exists()
