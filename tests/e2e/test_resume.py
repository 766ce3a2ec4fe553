"""Kill -9 of everything, three times in one run: the genealogy is that of an undisturbed run."""

import contextlib
import json
import random
import select
import time
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest

from tests.e2e.conftest import Hydra, stack
from tests.processes import read_command
from tests.sandboxes import BACKENDS, list_containers, require_docker

SYMPTOM = '''def line_total(line):
    """What a line costs before tax."""
    tier = tier_for(line.quantity, line.article.tiers)
    {guard}
    total = line.quantity * tier.unit_price
    return round(total, 2)'''
CAUSE = '''def tier_for(quantity, tiers):
    """The last tier whose minimum `quantity` reaches; `tiers` ascend by minimum."""
    chosen = None
    for tier in tiers:
        if quantity {operator} tier.minimum:
            chosen = tier
    return chosen'''
GUARDS = ["assert tier", "assert tier is not None", "assert tier, 'no tier'"]
LOOKS = ["read_file depot/pricing.py 1 30", "run curl http://localhost"]
KILLS = 3
TIMES = ("seconds", "test_seconds", "after", "began", "ended")


def strategy(title: str, file: str, symbol: str) -> dict[str, Any]:
    kind = "missing guard" if "invoice" in file else "boundary"
    return {"title": title, "kind": kind, "target_files": [file], "target_symbols": [symbol]}


def script(folder: Path) -> Path:
    """A model that circles at the symptom, then looks at the cause and is right the second time."""
    strategies = [
        strategy("Guard the invoice", "depot/invoice.py", "line_total"),
        strategy("Correct the tier", "depot/pricing.py", "tier_for"),
    ]
    code = {(1, n + 1): SYMPTOM.format(guard=guard) for n, guard in enumerate(GUARDS)}
    code |= {(2, 1): CAUSE.format(operator="!="), (2, 2): CAUSE.format(operator=">=")}
    lines: list[dict[str, Any]] = [
        {"purpose": "strategies", "round": 1, "answer": {"strategies": strategies}},
        {"purpose": "plan", "answer": {"summary": "as the strategy says", "steps": "", "investigate": LOOKS}},
        {"purpose": "reflect", "answer": {"lesson": "it did not help", "next": "another way"}},
    ]
    for (branch, attempt), text in code.items():
        answer = f"```python\n{text}\n```"
        lines.append({"purpose": "implement", "branch": branch, "attempt": attempt, "answer": answer})
    file = folder / "script.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def without_times(value: Any) -> Any:
    """A genealogy without what may differ: how long things took."""
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in TIMES}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def finished(hydra: Hydra, arguments: tuple[str | Path, ...]) -> Any:
    _, genealogy = hydra.json(*arguments)
    # Which nodes were lost is on record too, and differs by how the run was disturbed.
    return without_times(genealogy.model_dump(mode="json", exclude={"nodes"}))


def killed_after(hydra: Hydra, arguments: tuple[str | Path, ...], lines: int, delay: float) -> int:
    """Kill everything `delay` seconds after the command has told `lines` lines; how many it had told."""
    with hydra.start(*arguments) as command:
        assert command.stdout is not None
        told = 0
        while told < lines and command.stdout.readline():
            told += 1
        deadline = time.monotonic() + delay
        while (left := deadline - time.monotonic()) > 0 and select.select([command.stdout], [], [], left)[0]:
            if not command.stdout.readline():
                break
            told += 1
        assert command.poll() is None, "the run ended before it was killed"
        hydra.kill()
    return told


# What a draw is worth depends on measured seconds, which a kill changes.
IN_ORDER = {"HYDRA_TEMPLATES_FIRST": "false", "HYDRA_ALLOCATION": "order"}


@pytest.mark.timeout(600)
def test_a_run_killed_three_times_tells_the_same_story(hydra: Hydra, tmp_path: Path, depot: Path) -> None:
    arguments: tuple[str | Path, ...] = ("fix", "--repo", depot, "--issue", "It crashes")
    arguments += ("--model", f"scripted:{script(tmp_path)}")
    expected = finished(Hydra(hydra.data, hydra.env | IN_ORDER), arguments)
    assert [branch["ending"] for branch in expected["branches"]] == ["reaped", "passed"]
    chance = random.Random(time.time_ns())
    with stack(tmp_path / "stormy") as stormy:
        stormy.env |= hydra.env | IN_ORDER
        told = 2
        for _ in range(KILLS):
            told = min(max(told, killed_after(stormy, arguments, told, chance.uniform(0.0, 1.5))), 9)
        assert finished(stormy, arguments) == expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sandbox_worker_killed_while_it_tests_makes_no_second_attempt(
    own_hydra: Hydra, depot: Path, tmp_path: Path, backend: str
) -> None:
    if backend == "docker":
        require_docker()
    own_hydra.env |= {"HYDRA_TEMPLATES_FIRST": "false", "HYDRA_SANDBOX__BACKEND": backend}
    model = f"scripted:{script(tmp_path)}"
    # Or it would end with the run, and be started again to show it.
    assert own_hydra("up").returncode == 0
    command = own_hydra.start("fix", "--repo", depot, "--issue", "It crashes", "--model", model)
    assert command.stdout is not None
    run_id = command.stdout.readline().split()[1]
    while "attempt 1" not in command.stdout.readline():
        assert command.poll() is None
    worker = own_hydra.find_worker("sandbox")
    owner = worker.pid
    while not is_testing(backend, worker):
        assert command.poll() is None
        time.sleep(0.01)
    inside = worker.children(recursive=True)
    worker.kill()
    deadline = time.monotonic() + 60
    while any(process.is_running() for process in inside) or list_containers(backend, owner):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    said, _ = command.communicate(timeout=200)
    assert command.returncode == 0, said
    genealogy = json.loads(own_hydra("show", run_id, "--json").stdout)
    made = [(branch["number"], attempt["number"]) for branch in genealogy["branches"] for attempt in branch["attempts"]]
    assert made == sorted(set(made))
    # On a machine that is busy, the stack may take longer to start it again than a lost node goes unnoticed.
    assert [event["kind"] for event in genealogy["nodes"]] in ([], ["NODE_LOST", "NODE_BACK"])


def is_testing(backend: str, worker: psutil.Process) -> bool:
    """Whether the worker's sandbox is running tests now."""
    with contextlib.suppress(psutil.Error, docker.errors.APIError):
        lines = [read_command(process) for process in worker.children(recursive=True)]
        if backend == "docker":
            with contextlib.closing(docker.APIClient(version="auto")) as client:
                found = list_containers(backend, worker.pid)
                lines = [line for container in found for line in client.top(container)["Processes"] or ()]
        texts = [" ".join(line) for line in lines]
        return any("hydra_inside.fork_server" in text and "bwrap" not in text for text in texts)
    return False
