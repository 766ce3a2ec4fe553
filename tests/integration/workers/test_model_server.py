"""A model server that the worker keeps: a real process that is killed, hangs, or does not start."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import psutil
import pytest

from hydranet.errors import UsageError
from hydranet.settings import ModelSettings, Settings
from workers.model_server import ModelServer, build_model_server
from workers.temporal_server import find_free_port

SERVER = """\
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        self.end_headers()
        self.wfile.write(f"{os.getpid()} {sorted(name for name in os.environ if name.startswith('HYDRA_'))}".encode())
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "server.py").write_text(SERVER)
    return tmp_path / "server.py"


class Kept:
    """A server that is kept at a free port, and how often it was warmed up."""

    def __init__(self, script: Path, start: Callable[[int], str]) -> None:
        self.port = find_free_port()
        self.warm = 0
        self.log = script.parent / "log"
        self.server = ModelServer(start(self.port), f"http://127.0.0.1:{self.port}", self._warm_up, self.log)

    async def _warm_up(self) -> None:
        self.warm += 1

    async def ask(self) -> str:
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(f"http://127.0.0.1:{self.port}")).text

    async def find_pid(self) -> int:
        return int((await self.ask()).split()[0])


@contextlib.asynccontextmanager
async def kept(script: Path) -> AsyncIterator[Kept]:
    own = Kept(script, lambda port: f"{sys.executable} {script} {port}")
    async with own.server.keep():
        await asyncio.wait_for(own.server.wait_until_served(), 30)
        yield own


async def wait_for_another(own: Kept, pid: int) -> int:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (now := await own.find_pid()) != pid:
                    return now
            await asyncio.sleep(0.05)


async def test_a_server_is_started_and_ends_with_the_worker(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_MODELS__KEYS", "a secret")
    async with kept(script) as own:
        answer = await own.ask()
        assert answer.endswith(" []")
        pid = int(answer.split()[0])
        assert own.warm == 1
    assert not psutil.pid_exists(pid)


async def test_a_killed_server_is_started_again_and_calls_wait_for_it(script: Path) -> None:
    async with kept(script) as own:
        pid = await own.find_pid()
        psutil.Process(pid).kill()
        assert await wait_for_another(own, pid)
        await asyncio.wait_for(own.server.wait_until_served(), 30)
        async with asyncio.timeout(30):
            while own.warm < 2:
                await asyncio.sleep(0.05)


async def test_a_server_that_answers_nothing_is_replaced(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.model_server._ANSWER_SECONDS", 0.2)
    async with kept(script) as own:
        pid = await own.find_pid()
        psutil.Process(pid).suspend()
        assert await wait_for_another(own, pid) != pid


async def test_a_server_that_is_there_already_is_left_alone(script: Path) -> None:
    async with kept(script) as first:
        second = ModelServer("false", f"http://127.0.0.1:{first.port}", first._warm_up, first.log)
        async with second.keep():
            await asyncio.wait_for(second.wait_until_served(), 10)
        assert first.warm == 1
        assert await first.find_pid()


@pytest.mark.parametrize("command", ["false", "/no/such/program serve", "unit:no-such-unit.service"])
async def test_one_that_cannot_start_lets_calls_say_why(
    script: Path, command: str, caplog: pytest.LogCaptureFixture
) -> None:
    own = Kept(script, lambda port: command)
    async with own.server.keep():
        await asyncio.wait_for(own.server.wait_until_served(), 30)
        assert any("did not start" in record.message for record in caplog.records)
        assert not own.warm


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"models": ModelSettings(keep="ollama serve", ollama_host="192.0.2.1")}, "is on another machine"),
        ({"models": ModelSettings(keep="ollama 'serve")}, "is no command"),
    ],
)
def test_what_cannot_be_kept_is_refused(settings: dict[str, ModelSettings], words: str) -> None:
    async def warm_up() -> None: ...

    with pytest.raises(UsageError, match=words):
        build_model_server(Settings(**settings), warm_up)  # type: ignore[arg-type]
