"""Kills one thing of a cluster of three hosts while a run works, and prints what its user reads and when.

    python -m benchmarks.kill_table [CASE...] [--json FILE]

A run that takes about a minute works for each case: a scripted model makes one more test pass in each attempt. Once its
second attempt has ended, something is killed, cut or slowed, and put back after a while. A row says how long it took
until `hydra fix` wrote what it waits for, what `hydra show` says meanwhile, and how the run ended. The goals are 15
seconds, and a run that is fixed in as many attempts as an undisturbed one. It needs root, for the network.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import recording, run
from benchmarks.mesh import INFERENCE, SANDBOX, SPARE, SUPERVISOR, Lines, Mesh, open_mesh
from hydra_cli.bench.conditions import Conditions
from tests.e2e.conftest import repository
from tests.processes import read_command

_STEPS = 8
_TEST_SECONDS = 3.0
# How long after the kill `hydra show` is asked, so that it has answered within the goal.
_SHOW_SECONDS = 11.0
_AWAY_SECONDS = 30.0
_END_SECONDS = 300.0
# What says that something is missing, among the lines of `hydra fix`.
_SENTENCE = r"^(waiting: |NODE_LOST: )"
# The same on a node.
_NODE_SENTENCE = r"Temporal does not answer"

_SOURCE = "def climb(step):\n    return [{}][step]\n"
_TESTS = f"""
import time

import pytest

from ladder import climb


def test_slowly():
    time.sleep({_TEST_SECONDS})


@pytest.mark.parametrize("step", range({_STEPS}))
def test_step(step):
    assert climb(step) == step + 1
"""


@dataclass(frozen=True)
class Case:
    """A thing that is lost, and how it comes back: by itself where that is not said."""

    name: str
    lose: Callable[[Mesh], None]
    restore: Callable[[Mesh], None] | None = None
    seconds: float = _AWAY_SECONDS
    spare: bool = False
    ends_command: bool = False


def _kill_worker(name: str) -> Callable[[Mesh], None]:
    return lambda mesh: mesh.hosts[name].kill()


def _start_worker(name: str) -> Callable[[Mesh], None]:
    return lambda mesh: mesh.start_worker(name)


def _find(mesh: Mesh, *words: str) -> list[psutil.Process]:
    """The processes of node A whose command line has all the words: also those in a network of their own."""
    listed = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(mesh.hosts[SUPERVISOR].home) in line and all(word in line for word in words):
            listed.append(process)
    return listed


def _signal(number: int, *words: str) -> Callable[[Mesh], None]:
    def send(mesh: Mesh) -> None:
        listed = _find(mesh, *words)
        assert listed, words
        for process in listed:
            process.send_signal(number)

    return send


def _kill_supervisor(mesh: Mesh) -> None:
    for process in mesh.hosts[SUPERVISOR].list_processes():
        if read_command(process)[:1] == ["hydra worker supervisor"]:
            process.kill()


def _kill_stack(mesh: Mesh) -> None:
    for process in mesh.hosts[SUPERVISOR].list_processes():
        if "workers.embedded" in read_command(process):
            process.kill()


def _start_stack(mesh: Mesh) -> None:
    done = mesh.hosts[SUPERVISOR]("up", timeout=300)
    assert done.returncode == 0, done.stderr


# A part of the command lines of the two servers: the names of what they keep.
_TEMPORAL, _POSTGRES = ("temporal.db",), ("-D", "/postgres")
CASES = {
    "sandbox": Case(
        "sandbox worker, another host has the role", _kill_worker(SANDBOX), _start_worker(SANDBOX), 45, True
    ),
    "sandboxes": Case("the only sandbox worker", _kill_worker(SANDBOX), _start_worker(SANDBOX)),
    "inference": Case("the only inference worker", _kill_worker(INFERENCE), _start_worker(INFERENCE)),
    "supervisor": Case("supervisor worker", _kill_supervisor),
    "cut-sandbox": Case(
        "link of the sandbox host",
        lambda m: m.network.cut(m.hosts[SANDBOX]),
        lambda m: m.network.mend(m.hosts[SANDBOX]),
    ),
    "cut-inference": Case(
        "link of the inference host",
        lambda m: m.network.cut(m.hosts[INFERENCE]),
        lambda m: m.network.mend(m.hosts[INFERENCE]),
    ),
    "cut-a": Case(
        "link of node A", lambda m: m.network.cut(m.hosts[SUPERVISOR]), lambda m: m.network.mend(m.hosts[SUPERVISOR])
    ),
    "slow": Case(
        "link of the sandbox host slow: 500 ms each way, 256 kbit/s",
        lambda m: m.network.slow(m.hosts[SANDBOX], 0.5, 32_000),
        lambda m: m.network.mend(m.hosts[SANDBOX]),
    ),
    "temporal": Case("Temporal's server", _signal(signal.SIGKILL, *_TEMPORAL)),
    "temporal-hangs": Case(
        "Temporal's server hangs", _signal(signal.SIGSTOP, *_TEMPORAL), _signal(signal.SIGCONT, *_TEMPORAL)
    ),
    "postgres": Case("PostgreSQL", _signal(signal.SIGKILL, *_POSTGRES)),
    "postgres-hangs": Case(
        "PostgreSQL hangs", _signal(signal.SIGSTOP, *_POSTGRES), _signal(signal.SIGCONT, *_POSTGRES)
    ),
    "stack": Case("the stack of node A", _kill_stack),
    "host-a": Case(
        "host of node A, all its processes", lambda m: m.hosts[SUPERVISOR].kill(), _start_stack, ends_command=True
    ),
    "nothing": Case("nothing", lambda _: None),
}


@dataclass
class Row:
    """What was read after a loss: seconds until the sentence and until the next attempt, and how the run ended."""

    case: str
    away: float | None
    seconds: float | None = None
    next: float | None = None
    sentence: str = ""
    show: str = ""
    show_seconds: float = 0.0
    ending: str = ""
    attempts: int = 0
    total: float = 0.0
    workers: str = ""


def measure(mesh: Mesh, name: str, number: int) -> Row:
    """Run a case."""
    case, node_a = CASES[name], mesh.hosts[SUPERVISOR]
    if case.spare:
        mesh.start_worker(SPARE)
    folder = repository(node_a.home / f"ladder-{name}-{number}", {"ladder.py": _write(0), "test_ladder.py": _TESTS})
    script = node_a.home / f"{folder.name}.jsonl"
    script.write_text(_write_script())
    command = ("fix", "--repo", folder, "--issue", f"climb() is wrong ({name})", "--model", f"scripted:{script}")
    began = time.monotonic()
    fix = Lines(node_a.start(*command))
    if not fix.wait_for(r"attempt 2:", 180):
        raise RuntimeError(fix.lines)
    run_id = fix.lines[0][1].split()[1]
    case.lose(mesh)
    lost = time.monotonic()
    row = Row(case.name, case.seconds if case.restore else None)
    shown = _show(mesh, run_id, lost) if not case.ends_command else None
    # With node A's host its command is gone: what is left to read is on the nodes.
    read, pattern = (mesh.workers[INFERENCE], _NODE_SENTENCE) if case.ends_command else (fix, _SENTENCE)
    if heard := read.wait_for(pattern, _AWAY_SECONDS if case.restore else 10.0, since=lost):
        row.seconds, row.sentence = heard[0] - lost, heard[1]
    if shown:
        row.show, row.show_seconds = shown
    if case.restore:
        time.sleep(max(0.0, lost + case.seconds - time.monotonic()))
        row.workers = " | ".join(
            f"{n}: {when - lost:.1f} s {line}"
            for n, worker in mesh.workers.items()
            for when, line in worker.lines
            if lost < when
        )
        case.restore(mesh)
    if case.ends_command:
        again = Lines(node_a.start(*command))
        output = again.finish(_END_SECONDS)
        fix.lines += again.lines
    else:
        output = fix.finish(_END_SECONDS)
    row.total = time.monotonic() - began
    row.next = next((when - lost for when, line in fix.lines if "attempt 3:" in line), None)
    genealogy = json.loads(node_a("show", run_id, "--json").stdout)
    made = [(branch["number"], attempt["number"]) for branch in genealogy["branches"] for attempt in branch["attempts"]]
    row.ending, row.attempts = genealogy["verdict"] or output[-200:], len(made)
    if len(set(made)) != len(made):
        row.ending += ", an attempt twice"
    for when, line in fix.lines:
        print(f"    {when - lost:7.1f}  {line}")
    print("   show:", row.show_seconds, row.show)
    print("   workers:", row.workers, flush=True)
    if case.spare:
        mesh.workers.pop(SPARE).process.terminate()
    return row


def _show(mesh: Mesh, run_id: str, lost: float) -> tuple[str, float]:
    time.sleep(max(0.0, lost + _SHOW_SECONDS - time.monotonic()))
    asked = time.monotonic()
    try:
        done = mesh.hosts[SUPERVISOR]("show", run_id, timeout=60)
    except subprocess.TimeoutExpired:
        return "no answer", 60.0
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "waiting:" in line or "NODE_" in line]
    return " / ".join(lines) or done.stderr.strip()[-300:] or "nothing of it", time.monotonic() - asked


def _write(steps: int) -> str:
    return _SOURCE.format(", ".join(str(step + 1 if step < steps else 0) for step in range(_STEPS)))


def _write_script() -> str:
    strategy = {"title": "Climb", "kind": "wrong value", "target_files": ["ladder.py"], "target_symbols": ["climb"]}
    lines: list[dict[str, Any]] = [
        {"purpose": "strategies", "answer": {"strategies": [strategy]}},
        {"purpose": "plan", "answer": {"summary": "One step more", "steps": ""}},
        {"purpose": "reflect", "answer": {"lesson": "one step is right", "next": "the next step"}},
    ]
    for attempt in range(1, _STEPS + 1):
        answer = f"```python\n{_write(attempt)}```"
        lines.append({"purpose": "implement", "attempt": attempt, "answer": answer})
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", choices=[*CASES, []], metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    os.environ.pop("HYDRA_DATA_DIR", None)
    conditions, rows = Conditions(), []
    with open_mesh((SUPERVISOR, INFERENCE, SANDBOX, SPARE)) as mesh:
        mesh.hosts[SUPERVISOR].env |= {"HYDRA_TEMPLATES_FIRST": "false", "HYDRA_ALLOCATION": "order"}
        mesh.workers.pop(SPARE).process.terminate()
        for number, name in enumerate(given.case or CASES):
            print(f"{name}", flush=True)
            rows.append(measure(mesh, name, number))
            print(rows[-1], flush=True)
    _print(rows)
    if given.json:
        recording.write(given.json, conditions, [vars(row) for row in rows])


def _print(rows: list[Row]) -> None:
    print("| lost | away | read after | what is read | next attempt | the run |\n| --- | --- | --- | --- | --- | --- |")
    for row in rows:
        seconds = ["" if value is None else f"{value:.0f} s" for value in (row.away, row.seconds, row.next)]
        ending = f"{row.ending}, {row.attempts} attempts"
        print(f"| {row.case} | {seconds[0]} | {seconds[1]} | {row.sentence} | {seconds[2]} | {ending} |")


if __name__ == "__main__":
    run(main)
