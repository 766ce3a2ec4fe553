"""A model server that breaks off, goes away, or is left alone: the run parks, goes on, and doubles nothing."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from hydranet.genealogy import Verdict
from tests.e2e.conftest import SMALL, Hydra, following, repository

NAME = "coder"
STRATEGY = {"title": "Mend f", "kind": "boundary condition", "target_files": ["a.py"], "target_symbols": ["f"]}
ANSWERS = {
    "hypotheses about the cause": json.dumps({"strategies": [STRATEGY]}),
    "Plan the next change": json.dumps({"summary": "Take the bound in", "steps": "Use <=."}),
    "Fix the bug in": "```python\ndef f(x):\n    return x <= 1\n```",
    "Review the change": json.dumps({"findings": []}),
}
IMPLEMENT = "Fix the bug in"


class Server:
    """An OpenAI-compatible server. `breaking` asks it to end that many answers in the middle, `endless` never to."""

    def __init__(self) -> None:
        self.breaking = 0
        self.endless = False
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.broken, self.streaming, self.left = Event(), Event(), Event()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.start()

    @property
    def model(self) -> str:
        return f"openai:http://127.0.0.1:{self.port}/v1#{NAME}"

    def start(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"data": [{"id": NAME}]}).encode())

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.answer(self, body["messages"][-1]["content"])

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, handler: BaseHTTPRequestHandler, question: str) -> None:
        task = next(task for task in ANSWERS if task in question)
        self.asked[task] += 1
        handler.send_response(200)
        handler.end_headers()
        if task == IMPLEMENT and self.endless:
            self._stream(handler)
            return
        half = len(ANSWERS[task]) // 2
        self._say(handler, ANSWERS[task][:half])
        if task == IMPLEMENT and self.breaking:
            self.breaking -= 1
            handler.connection.shutdown(socket.SHUT_RDWR)
            self.broken.set()
            return
        self._say(handler, ANSWERS[task][half:], usage={"prompt_tokens": 100, "completion_tokens": 10})
        handler.wfile.write(b"data: [DONE]\n\n")
        self.answered[task] += 1

    def _stream(self, handler: BaseHTTPRequestHandler) -> None:
        try:
            while not self.left.wait(0.05):
                self._say(handler, "and ")
                self.streaming.set()
        except OSError:
            self.left.set()

    def _say(self, handler: BaseHTTPRequestHandler, text: str, **more: Any) -> None:
        event = {"choices": [{"delta": {"content": text}}], **more}
        handler.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        handler.wfile.flush()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.left.set()
    made.stop()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return repository(tmp_path / "project", SMALL)


@pytest.fixture
def model_only(hydra: Hydra) -> Iterator[Hydra]:
    hydra.env["HYDRA_TEMPLATES_FIRST"] = "false"
    yield hydra
    del hydra.env["HYDRA_TEMPLATES_FIRST"]


def test_a_stream_that_breaks_off_is_read_again(model_only: Hydra, server: Server, project: Path) -> None:
    server.breaking = 2
    result, genealogy = model_only.json("fix", "--repo", project, "--issue", "f(1) is wrong", "--model", server.model)
    assert result.verdict is Verdict.FIXED
    ((attempt,),) = [branch.attempts for branch in genealogy.branches]
    assert {one.purpose: one.usage.calls for one in attempt.spent} == {"plan": 1, "implement": 2}
    assert server.asked[IMPLEMENT] == 4
    assert genealogy.usage.tokens == 110 * server.answered.total()


def test_a_server_that_goes_away_parks_the_run_until_it_is_back(
    model_only: Hydra, server: Server, project: Path
) -> None:
    server.breaking = 1
    command = model_only.start("fix", "--repo", project, "--issue", "f(1) is gone", "--model", server.model)
    said = following(command, "b01 started")
    assert server.broken.wait(60)
    server.stop()
    said += following(command, "waiting")
    shown = model_only("show", said.split()[1]).stdout
    assert "waiting: " in shown
    # The server's own words, which a worker sealed.
    assert server.model.partition(":")[2].partition("#")[0] in shown
    server.start()
    said += command.communicate(timeout=120)[0]
    assert command.returncode == 0, said
    assert said.count("b01 attempt") == 1


def test_abort_leaves_the_server_idle(model_only: Hydra, server: Server, project: Path) -> None:
    server.endless = True
    command = model_only.start("fix", "--repo", project, "--issue", "f(1) for ever", "--model", server.model)
    run_id = following(command, "b01 started").split()[1]
    assert server.streaming.wait(60)
    assert model_only("abort", run_id).returncode == 0
    assert server.left.wait(30)
    said, _ = command.communicate(timeout=30)
    assert command.returncode == 3, said
    assert server.asked[IMPLEMENT] == 1
