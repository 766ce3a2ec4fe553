"""A run in which all is hostile: names, branch, commit messages, tests, issue and model. Screens stay ours."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hydranet.genealogy import Verdict
from hydranet.text.escaping import escape_controls
from tests.e2e.conftest import HYDRA, Hydra, following, git

# A title, a link, a clear screen, C1, directions, a tag, a carriage return; and what no database holds.
STEERING = "\x1b]0;owned\x07\x1b]8;;http://x\x1b\\\x1b[2J\x9b31m\x9d0;x\x9c\u202edesrever\u2066\U000e0041\r\x08"
UNSTORABLE = "\0\ud800\udc9b"
HOSTILE = f"{STEERING}{UNSTORABLE}"
STRATEGY = {
    "title": f"Mend {HOSTILE} f",
    "rationale": HOSTILE,
    "kind": "boundary condition",
    "target_files": ["a.py", HOSTILE],
    "target_symbols": ["f", HOSTILE],
}
ANSWERS = {
    "hypotheses about the cause": json.dumps({"strategies": [STRATEGY]}),
    "Plan the next change": json.dumps(
        {"summary": f"Take it in {HOSTILE}", "steps": HOSTILE, "investigate": [HOSTILE]}
    ),
    "Fix the bug in": f"{HOSTILE}\n```python\ndef f(x):\n    return x <= 1\n```\n",
    "reflect": json.dumps({"lesson": HOSTILE, "next": HOSTILE}),
}
TEST = r"""
import sys
from a import f

def test_f():
    print("\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\0")
    sys.stdout.flush()
    sys.stdout.buffer.write(b"\x9b2J\xff\xfe\x00\xed\xa0\x80\n")
    assert f(1), "\x1b]0;owned\x07 \u202e \0 \ud800"

def test_\u0627\u0628():
    assert f(0)
"""


class Handler(BaseHTTPRequestHandler):
    """A model that says nothing without its bytes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"data": [{"id": "coder", "owned_by": HOSTILE}]}).encode())

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["content-length"])))["messages"][-1]["content"]
        answer = next((text for task, text in ANSWERS.items() if task in question), "{}")
        self.send_response(200)
        self.end_headers()
        for piece in (HOSTILE, "\n", answer):
            event: dict[str, Any] = {"choices": [{"delta": {"content": piece}}]}
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def model() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"openai:http://127.0.0.1:{server.server_address[1]}/v1#coder"
        server.shutdown()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "it's a \u202eproject; $(touch owned)"
    root.mkdir()
    (root / "a.py").write_text(f"def f(x):\n    return x < 1  # {STEERING.replace(chr(13), '')}\n")
    (root / "test_a.py").write_text(TEST.replace(r"\u0627\u0628", "\u0627\u0628"))
    (root / "hydra.config.json").write_text('{"sandbox": {"memory_mb": 99999}}')
    for name in (b"\x1b]0;owned\x07.py", b"\xff\xfe.py", "\u202eyp.exe".encode(), b"a\nb.py"):
        (root / os.fsdecode(name)).write_text("x = 1\n")
    git(root, "init", "-q", "-b", "main\u202e\u2066")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", f"base {STEERING}")
    return root


@pytest.fixture
def issue(tmp_path: Path) -> Path:
    file = tmp_path / "issue.txt"
    file.write_bytes(f"f(1) {STEERING} is wrong\0\nmore \0 {STEERING}\n".encode())
    return file


@pytest.fixture
def model_only(hydra: Hydra) -> Iterator[Hydra]:
    hydra.env["HYDRA_TEMPLATES_FIRST"] = "false"
    yield hydra
    del hydra.env["HYDRA_TEMPLATES_FIRST"]


def obeyed(screen: str, *, styles: bool = False) -> set[str]:
    """Return the characters of a screen that would steer a terminal, but for those that Rich writes for us."""
    if styles:
        screen = re.sub(r"\x1b\[(?:[0-9;]*m|\d*A|2K|\?25[lh])|\r", "", screen)
    return {char for char in screen if char not in "\n\t" and escape_controls(char) != char}


def list_texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in list_texts(item)]


def capture(hydra: Hydra, *arguments: str | Path) -> str:
    """Return what a command writes to a terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = {**hydra.environment(), "TERM": "xterm-256color"}
    command = subprocess.Popen([HYDRA, *arguments], env=environment, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    screen = b""
    while True:
        try:
            data = os.read(master, 65_536)
        except OSError:
            break
        if not data:
            break
        screen += data
    os.close(master)
    assert command.wait(60) == 0, screen
    return screen.decode(errors="surrogateescape")


def test_no_byte_of_a_run_steers_the_terminal_or_fails_it(
    model_only: Hydra, model: str, project: Path, issue: Path, tmp_path: Path
) -> None:
    hydra = model_only
    arguments = ("fix", "--repo", project, "--issue-file", issue, "--model", model, "--apply")
    command = hydra.start(*arguments)
    printed = following(command, "waiting for approval")
    run_id = next(line.split()[1] for line in printed.splitlines() if line.startswith("Run "))
    assert "may only lower limits: sandbox.memory_mb stays 2048" in printed
    assert hydra("override", run_id, os.fsdecode(b"\xffbe \xe2\x80\xaequick \x1b[2J")).returncode == 0
    assert hydra("approve", run_id).returncode == 0
    rest, _ = command.communicate(timeout=120)
    assert command.returncode == 0, printed + rest
    assert obeyed(printed + rest) == set()
    assert "owned" in printed
    diff = next(line for line in rest.splitlines() if " diff HEAD" in line)
    shell = subprocess.run(["bash", "-c", diff], capture_output=True, text=True, cwd=tmp_path)
    assert shell.returncode == 0, "a printed command can be copied"
    assert not (tmp_path / "owned").exists()
    message = git(project, "log", "-1", "--format=%B", "HEAD")
    assert obeyed(message) == set()

    more: tuple[str, ...]
    for more in ((), ("--checkpoint",)):
        shown = hydra("show", run_id, *more)
        assert shown.returncode == 0
        assert obeyed(shown.stdout + shown.stderr) == set()
        assert obeyed(capture(hydra, "show", run_id, *more), styles=True) == set()
    commands: list[tuple[str | Path, ...]] = [("runs",), ("report", run_id)]
    commands += [(name, "--repo", project) for name in ("index", "index-status")]
    for listing in commands:
        done = hydra(*listing)
        assert done.returncode == 0, done.stderr
        assert obeyed(done.stdout + done.stderr) == set()
    query = ("retrieve", "--repo", project, "--query", HOSTILE.replace("\0", "").replace("\ud800", ""))
    assert obeyed(hydra(*query).stdout) == set()

    for more in ((), ("--transcript",), ("--attempts",)):
        lines = hydra("log", run_id, *more).stdout.splitlines()
        assert lines
        assert obeyed("".join(lines)) == set()
        texts = [text for line in lines for text in list_texts(json.loads(line))]
        assert not any("\0" in text for text in texts)
        assert any("\x1b]0;owned" in text for text in texts) or more == ("--attempts",), "the record has what was said"
    record = json.loads(hydra("show", run_id, "--json").stdout)
    assert record["verdict"] == Verdict.FIXED
    assert any("\u202e" in text for text in list_texts(record)), "the record has what was said"


def test_a_live_screen_is_moved_by_us_alone(model_only: Hydra, model: str, project: Path, issue: Path) -> None:
    screen = capture(model_only, "fix", "--repo", project, "--issue-file", issue, "--model", model)
    assert "\x1b[" in screen
    assert "b01" in screen
    assert obeyed(screen, styles=True) == set()


def test_errors_of_tools_and_names_are_shown(hydra: Hydra, tmp_path: Path) -> None:
    for arguments in (
        ("fix", "--repo", tmp_path / STEERING.replace("/", "_"), "--issue", "x"),
        ("fix", "--repo", os.fsdecode(b"/\xff\x9b2J"), "--issue", "x"),
        ("show", f"x{STEERING}"),
        (f"fix{STEERING}",),
        ("fix", f"--{STEERING}"),
        ("score", tmp_path / STEERING.replace("/", "_")),
        ("bench", "--suite", tmp_path / STEERING.replace("/", "_")),
        ("models", f"openai:{STEERING}"),
    ):
        done = hydra(*arguments)
        assert done.returncode in (1, 2), (arguments, done)
        assert "Traceback" not in done.stderr
        assert obeyed(done.stdout + done.stderr) == set(), arguments


PASSWORD = "s3cret-w0rd"


def test_a_password_in_a_models_address_is_repeated_nowhere(hydra: Hydra, project: Path, tmp_path: Path) -> None:
    address = f"openai:http://me:{PASSWORD}@127.0.0.1:9/v1#m"
    arguments: list[tuple[str | Path, ...]] = [
        ("fix", "--repo", project, "--issue", "x", "--model", address),
        ("models", address),
        ("index", "--repo", project, "--embedding-model", address),
    ]
    hydra.env["HYDRA_SUPERVISOR_MODEL"] = address
    try:
        arguments.append(("models",))
        for command in arguments:
            done = hydra(*command)
            assert done.returncode in (1, 2), done
            assert PASSWORD not in done.stdout + done.stderr
            assert "may hold no password" in done.stdout + done.stderr
    finally:
        del hydra.env["HYDRA_SUPERVISOR_MODEL"]
    kept = subprocess.run(["grep", "-rl", PASSWORD, str(hydra.data)], capture_output=True, text=True)
    assert kept.stdout == ""


@pytest.mark.parametrize("kind", ["fifo", "deep", "binary", "folder", "device"])
def test_a_hostile_settings_file_is_one_sentence(hydra: Hydra, project: Path, kind: str) -> None:
    file = project / "hydra.config.json"
    file.unlink()
    match kind:
        case "fifo":
            os.mkfifo(file)
        case "deep":
            file.write_text("[" * 60_000)
        case "binary":
            file.write_bytes(bytes(range(256)) * 10)
        case "device":
            file.symlink_to("/dev/zero")
        case _:
            file.mkdir()
    done = hydra("fix", "--repo", project, "--issue", "x", "--model", "templates", timeout=30)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "hydra.config.json" in done.stderr
