"""The way from an issue to a fix through the protocol of Ollama, against what a real server said to the same run."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hydranet.genealogy import Verdict
from tests.e2e.conftest import SMALL, Hydra, git, repository

# Every answer of an Ollama server with Qwen2.5-Coder-1.5B, in order; those of a path end with one that stays.
RECORDING = Path(__file__).parent / "recordings" / "ollama.json"
NAME = "qwen2.5-coder:1.5b"


class Server(ThreadingHTTPServer):
    """Plays the recording, whatever it is asked, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.recorded: list[dict[str, Any]] = json.loads(RECORDING.read_text())
        self.asked: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.left: dict[str, deque[dict[str, Any]]] = defaultdict(deque)
        self.played: list[dict[str, Any]] = []
        for one in self.recorded:
            self.left[one["path"]].append(one)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def tokens(self) -> int:
        """What the answers to questions cost, the last of which is also the one to the critique."""
        ends = [one["answer"][-1] for one in self.played if one["path"] == "/api/chat"]
        return sum(end["prompt_eval_count"] + end["eval_count"] for end in ends)


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._play()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked[self.path].append(json.loads(body))
        self._play()

    def _play(self) -> None:
        answers = self.server.left[self.path]
        one = answers.popleft() if len(answers) > 1 else answers[0]
        self.server.played.append(one)
        self.send_response(one["status"])
        self.end_headers()
        for line in one["answer"]:
            self.wfile.write(json.dumps(line).encode() + b"\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as listening:
        thread = Thread(target=listening.serve_forever)
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def test_a_bug_is_fixed_by_a_model_of_ollama(own_hydra: Hydra, server: Server, tmp_path: Path) -> None:
    root = repository(tmp_path / "project", SMALL)
    own_hydra.env |= {
        "HYDRA_MODELS__OLLAMA_HOST": server.url,
        "HYDRA_MODELS__DELIBERATE": "true",
        "HYDRA_TEMPLATES_FIRST": "false",
    }
    issue = "f(1) should be true, as 1 is not above the limit."
    result, genealogy = own_hydra.json("fix", "--repo", root, "--issue", issue, "--model", f"ollama:{NAME}")
    assert result.verdict is Verdict.FIXED, result.reason
    assert "return x <= 1" in git(root, "show", f"{result.published}:a.py")
    questions = server.asked["/api/chat"]
    shaped = [bool(question.get("format")) for question in questions]
    assert shaped[:3] == [True, True, False]
    assert {(question["model"], question["stream"], question["think"]) for question in questions} == {
        (NAME, True, False)
    }
    loaded = server.asked["/api/generate"][0]
    assert {question["options"]["num_ctx"] for question in questions} == {loaded["options"]["num_ctx"]}
    assert genealogy.usage.tokens == server.tokens()
