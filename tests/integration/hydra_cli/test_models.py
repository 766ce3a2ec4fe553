"""`hydra models` against a small server that speaks both dialects."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner

from hydra_cli import app

NAME = "coder:7b"
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "/v1/models": [{"data": [{"id": NAME, "max_model_len": 8192}]}],
    "/v1/chat/completions": [
        {"choices": [{"delta": {"content": "1 2 "}}]},
        {"choices": [{"delta": {"content": "3"}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 6}},
    ],
    "/v1/embeddings": [{"data": [{"index": number, "embedding": [0.5, 0.25, 0.0]} for number in range(16)]}],
    "/api/show": [{"model_info": {"q.context_length": 4096}, "details": {"parameter_size": "7B"}}],
    "/api/ps": [{"models": [{"model": NAME, "size": 6 * 2**30, "size_vram": 3 * 2**30}]}],
    "/api/chat": [
        {"message": {"role": "assistant", "content": "1"}, "done": False},
        {"message": {"role": "assistant", "content": ""}, "done": True, "prompt_eval_count": 20, "eval_count": 6},
    ],
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = ANSWERS.get(self.path, [])
        self.send_response(200 if known else 404)
        self.end_headers()
        for answer in known:
            prefix = b"data: " if self.path.endswith("completions") else b""
            self.wfile.write(prefix + json.dumps(answer).encode() + b"\n")

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def own_settings(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: str) -> None:
    monkeypatch.setenv("HYDRA_MODELS__OLLAMA_HOST", server)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_each_model_is_described_and_measured(server: str) -> None:
    done = CliRunner().invoke(app, ["models", f"openai:{server}/v1#{NAME}", f"ollama:{NAME}", "templates"])
    assert done.exit_code == 0, done.output
    openai, ollama, templates = [line for line in done.output.splitlines() if line.strip()][-3:]
    assert "context 8192" in openai
    assert "tokens/s" in openai
    assert "7B, context 4096" in ollama
    assert "6.0 GiB, 50% of it on the GPU" in ollama
    assert "no model" in templates


def test_the_configured_model_is_the_default(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_MODEL", f"openai:{server}/v1#{NAME}")
    monkeypatch.setenv("HYDRA_SUPERVISOR_MODEL", f"ollama:{NAME}")
    monkeypatch.setenv("HYDRA_EMBEDDING_MODEL", f"openai:{server}/v1#{NAME}")
    done = CliRunner().invoke(app, ["models"])
    assert done.exit_code == 0, done.output
    coder, supervisor, embedding = [line for line in done.output.splitlines() if line.strip()][-3:]
    assert (coder.split()[1], "context 8192" in coder) == ("repairs", True)
    assert (supervisor.split()[1], "context 4096" in supervisor) == ("ranking", True)
    assert (embedding.split()[1], "vectors of 3" in embedding, "texts/s" in embedding) == ("embedding", True, True)


def test_what_does_not_answer_is_said(server: str) -> None:
    done = CliRunner().invoke(app, ["models", f"openai:{server}/v1#other", "nonsense", "templates"])
    assert done.exit_code == 1
    assert f"it has {NAME}" in done.output
    assert "'nonsense' is not a model" in done.output
    assert "no model" in done.output


def test_a_model_without_a_chat_template_is_warned_of_once(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ANSWERS, "/api/show", [{"template": "{{ .Prompt }}", "details": {"parameter_size": "7B"}}])
    done = CliRunner().invoke(app, ["models", f"ollama:{NAME}", f"ollama:{NAME}", f"openai:{server}/v1#{NAME}"])
    assert done.exit_code == 0, done.output
    assert done.output.count("Warning: The model") == 1
    assert f"The model {NAME} has no chat template at {server}, so its answers will make no sense" in done.output
