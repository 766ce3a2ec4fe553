"""`hydra watch` in a terminal of 80 columns and 24 lines, on a real stack with a model that streams."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import HYDRA, SMALL, Hydra, repository
from tests.e2e.test_endpoint import Server

_STYLES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
HOSTILE = "\x1b]0;owned\x07 [bold]and "


class HostileServer(Server):
    """A server whose last answer has no end, and would steer a terminal."""

    def _say(self, handler: BaseHTTPRequestHandler, text: str, **more: object) -> None:
        super()._say(handler, HOSTILE if text == "and " else text, **more)


@pytest.fixture
def server() -> Iterator[Server]:
    made = HostileServer()
    made.endless = True
    yield made
    made.left.set()
    made.stop()


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, hydra: Hydra, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [HYDRA, *arguments],
            env={**hydra.environment(), "TERM": "xterm-256color"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.output = b""
        self._mark = 0

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        """Wait until a text is drawn anew."""
        deadline = time.monotonic() + seconds
        while text not in self._read_since_mark():
            assert time.monotonic() < deadline, f"{text!r} never came: {self._read_since_mark()[-3000:]}"
            if not self._receive():
                break
        assert text in self._read_since_mark(), self._read_since_mark()[-3000:]
        self._mark = len(self.output)

    def sees(self, text: str, seconds: float = 2.0) -> bool:
        """Return whether a text is drawn anew in time."""
        with contextlib.suppress(AssertionError):
            self.wait_for(text, seconds)
            return True
        return False

    def press(self, keys: str) -> None:
        self._mark = len(self.output)
        os.write(self._master, keys.encode())

    def end(self) -> int:
        """Read to the end of the command, and return its exit code."""
        with contextlib.suppress(OSError):
            while self.process.poll() is None or self._receive():
                self._receive()
        return self.process.wait(timeout=30)

    def _read_since_mark(self) -> str:
        return _STYLES.sub("", self.output[self._mark :].decode(errors="replace"))

    def _receive(self) -> bool:
        if not select.select([self._master], [], [], 0.2)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self._master, 65_536)
        except OSError:
            return False
        self.output += data
        return bool(data)


@contextlib.contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """Hold up a process, as a host that hangs does: a killed one the stack starts again at once."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def find_server(hydra: Hydra) -> psutil.Process:
    return [process for process in hydra.processes() if "start-dev" in process.info["cmdline"]][-1]


def test_a_run_is_watched_and_steered_in_a_terminal_while_nodes_and_server_fail(
    hydra: Hydra, server: Server, tmp_path: Path
) -> None:
    project = repository(tmp_path / "project", SMALL)
    hydra.env["HYDRA_TEMPLATES_FIRST"] = "false"
    started = hydra("fix", "--repo", project, "--issue", "f(1) is watched", "--model", server.model, "--detach")
    del hydra.env["HYDRA_TEMPLATES_FIRST"]
    run_id = started.stdout.split()[1]
    following = hydra.start("log", run_id, "--follow")
    terminal = Terminal(hydra, "watch", run_id)
    try:
        terminal.wait_for("b01 ▶ running", 120)
        assert server.streaming.wait(60)
        # The model call under way, token by token; what it says steers nothing.
        terminal.wait_for("[bold]and")
        terminal.press("p")
        terminal.wait_for("paused (working)")
        terminal.press("r")
        terminal.wait_for("The run goes on.")
        sandbox = hydra.find_worker("sandbox")
        with stopped(sandbox):
            terminal.wait_for("LOST for", 15)
        find_server(hydra).kill()
        terminal.wait_for("which does not answer", 60)
        # Each message that finds no server is told; the run goes on as soon as it is back.
        while not terminal.sees("The run goes on."):
            terminal.press("r")
        terminal.press("q")
        assert terminal.end() == 0
        again = Terminal(hydra, "watch")
        again.wait_for("b01 ▶ running", 60)
        again.press("a")
        again.wait_for("Say why")
        again.press("enough\r")
        again.wait_for("aborted: Aborted by", 60)
        again.press("q")
        assert again.end() == 0
    finally:
        hydra("abort", run_id)
        terminal.process.kill()
    output = terminal.output + again.output
    assert b"\x1b]0;owned" not in output
    assert output.count(b"\x1b[?1049h") == output.count(b"\x1b[?1049l") == 2, "the screen is left as it was"
    assert b"Traceback" not in output
    lines, _ = following.communicate(timeout=60)
    entries = [json.loads(line) for line in lines.splitlines() if line.startswith("{")]
    assert following.returncode == 0
    assert (entries[0]["event"], entries[-1]["event"]) == ("started", "ended")
    assert len({json.dumps(entry) for entry in entries}) == len(entries), "nothing is told twice after a break"
    ended = Terminal(hydra, "watch", run_id)
    assert ended.end() == 2
    assert f"The run {run_id} has ended" in ended.output.decode()
