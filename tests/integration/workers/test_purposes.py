"""Two inference nodes, each with the models of its own purposes and a server that it keeps."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from psycopg_pool import AsyncConnectionPool
from temporalio.client import Client

from hydra_cli.models import ask_workers
from hydra_cli.session import Session
from hydra_cli.start import find_model
from hydranet.contracts import INFERENCE_QUEUE, RANKING_QUEUE, RETRIEVAL_QUEUE
from hydranet.names import Role
from hydranet.settings import ModelPurpose, ModelSettings, Settings, TemporalSettings
from tests.workflows.environment import dev_server
from workers.host import load_host
from workers.nodes import list_identities
from workers.payloads import build_converter
from workers.roles import run_workers
from workers.sealing import KeyRing
from workers.stack import Stack
from workers.temporal_server import find_free_port
from workers.versions import VersionGuard

# It begins to answer once a command has said that it waits.
SERVER = """\
import http.server, json, pathlib, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"data": [{"id": sys.argv[2]}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
while not pathlib.Path(sys.argv[3]).exists():
    time.sleep(0.05)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Node:
    """A node's settings: one model, at a server that its worker keeps and no other node may reach."""

    def __init__(self, folder: Path, database: str, name: str, port: int, *purposes: ModelPurpose) -> None:
        folder.mkdir()
        server, waited = folder / "server.py", folder.parent / "waited"
        server.write_text(SERVER)
        self.model = f"openai:http://127.0.0.1:{port}/v1#{name}"
        self.settings = Settings(
            data_dir=folder,
            database=database,
            model="templates" if "ranking" in purposes else self.model,
            supervisor_model=self.model if "ranking" in purposes else "",
            models=ModelSettings(
                purposes=purposes,
                endpoints=(f"http://127.0.0.1:{port}",),
                keep=f"{sys.executable} {server} {port} {name} {waited}",
            ),
        )
        self.id = load_host(folder).id


async def list_hosts(client: Client, queue: str) -> set[str]:
    return {identity.rpartition("#")[2] for identity in await list_identities(client, queue)}


async def test_each_model_is_asked_on_its_node_once_the_server_is_there(
    pool: AsyncConnectionPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hydra_cli.model_questions._TOLD_SECONDS", 0.3)
    keys, guard = KeyRing(tmp_path, [bytes(32)]), VersionGuard()
    ports = set[int]()
    while len(ports) < 2:
        ports.add(find_free_port())
    alpha = Node(tmp_path / "alpha", str(pool.conninfo), "big", ports.pop(), "ranking")
    beta = Node(tmp_path / "beta", str(pool.conninfo), "coder", ports.pop(), "repairs", "embedding")
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        (tmp_path / "waited").touch()

    async with dev_server() as server, AsyncExitStack() as stack:
        client = Client(server.service_client, data_converter=build_converter(keys), interceptors=[guard])
        for node, roles in ((alpha, [Role.SUPERVISOR, Role.INFERENCE]), (beta, [Role.INFERENCE])):
            await stack.enter_async_context(run_workers(client, node.settings, roles, keys, guard, embedded=False))
        chosen = Settings(data_dir=tmp_path / "gamma", model=beta.model, supervisor_model=alpha.model)
        session = Session(chosen, Stack(temporal=TemporalSettings(), database=""), client, keys)
        assert await find_model(session, chosen, tell) == beta.model
        configured = [(answer.model, answer.purpose, answer.problem) async for answer in ask_workers(session, [])]
        hosts = [await list_hosts(client, queue) for queue in (INFERENCE_QUEUE, RETRIEVAL_QUEUE, RANKING_QUEUE)]
    assert told[0].startswith("Waiting  The inference worker answers once its model server does")
    assert not any(line.startswith("Warning") for line in told)
    assert [(model, purpose) for model, purpose, _ in configured] == [
        (beta.model, "repairs"),
        (alpha.model, "ranking"),
    ]
    assert hosts == [{beta.id}, {beta.id}, {alpha.id}]
