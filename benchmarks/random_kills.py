"""Kills something at random every few seconds while several runs are open, and says whether any of them suffered.

    python -m benchmarks.random_kills [--kills 200] [--runs 4] [--pause 3] [--seed SEED]

What is killed (-9) is the worker of a role, Temporal's server or PostgreSQL, on a stack of its own that starts it
again. A run that nobody disturbs comes first. Each run that follows, on a repository of its own, has to end as that
one did: with the same attempts, none made or paid twice, and one branch with the same fix. It ends with 1 where one
does not.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil
import psycopg
from psycopg_pool import PoolTimeout
from temporalio.service import RPCError

from activities.artifacts.database import open_database
from activities.artifacts.records import read_genealogy
from activities.git.command import run_git
from hydra_cli.bench.suite import BugInstance, check_out, read_suite
from hydra_cli.follow import follow
from hydra_cli.repository import Repository
from hydra_cli.session import Session, attach_session
from hydra_cli.start import Start, start_run
from hydranet import settings
from hydranet.contracts import AttemptReport, RunResult
from hydranet.errors import UsageError
from hydranet.genealogy import Genealogy, Verdict
from hydranet.names import Role
from hydranet.settings import Settings

Answer = TypeVar("Answer")

SUITE = Path(__file__).parent / "spiral"
# As long as everything may take to be back.
_CALM_SECONDS = 600
# What a kill changes: how long things took, and who was lost.
_DISTURBED = {"run_id", "repository_name", "base", "nodes", "seconds", "test_notes", "environment", "branches"}
_DISTURBED_ATTEMPT = {"seconds", "test_seconds", "after"}


@dataclass(frozen=True)
class Ended:
    """A run that has ended: its result, its record, what its branches reported, and the fix in its repository."""

    run_id: str
    result: RunResult
    genealogy: Genealogy
    reports: list[AttemptReport]
    calls: int
    fix: str

    def describe(self) -> dict[str, object]:
        """Return what has to be the same, whatever is killed."""
        branches = [
            (
                *(branch.number, branch.ending, branch.strategy.title),
                [attempt.model_dump_json(exclude=_DISTURBED_ATTEMPT) for attempt in branch.attempts],
            )
            for branch in self.genealogy.branches
        ]
        told = [(report.branch, report.record.number) for report in self.reports]
        return {
            "verdict": self.result.verdict,
            "branches": branches,
            "attempts": told,
            "model calls": self.calls,
            "rest of the record": self.genealogy.model_dump_json(exclude=_DISTURBED),
            "fix": self.fix,
        }


@dataclass
class Storm:
    """Kills, by what was killed; `ended` are the runs that went through it."""

    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    ended: list[Ended] = field(default_factory=list)
    over: bool = False


def main() -> int:
    """Let the storm pass over the runs, print what became of them, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--pause", type=float, default=3.0, help="seconds between two kills, on average")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hydra-kills-"))
    os.environ["HYDRA_DATA_DIR"] = str(folder / "data")
    flags = {
        "model": f"scripted:{SUITE / 'model.jsonl'}",
        "templates_first": False,
        # What a draw is worth depends on measured seconds, which a kill changes.
        "allocation": "order",
        "budget": {"seconds": 36_000.0},
    }
    print(f"seed {arguments.seed}", flush=True)
    try:
        chosen = settings.load_settings(flags=flags)
        faults = asyncio.run(_pass_over(folder, chosen, arguments))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if faults else 0


async def _pass_over(folder: Path, chosen: Settings, arguments: argparse.Namespace) -> list[str]:
    instance = read_suite(SUITE, [])[1]["tank-report"]
    numbers = itertools.count()
    storm = Storm(random.Random(arguments.seed))
    async with attach_session(chosen, to_work=True) as session:
        calm = await _run(session, folder / f"tank-{next(numbers)}", instance, chosen)
        assert calm.result.verdict is Verdict.FIXED, calm.result.reason
        print(f"undisturbed: {len(calm.reports)} attempts in {calm.genealogy.seconds:.0f} s", flush=True)
        began = time.monotonic()
        keepers = [
            asyncio.create_task(_keep_open(session, storm, folder, numbers, instance, chosen))
            for _ in range(arguments.runs)
        ]
        await _kill(session, storm, arguments.kills, arguments.pause)
        storm.over = True
        print(f"{storm.kills.total()} kills in {time.monotonic() - began:.0f} s: {dict(storm.kills)}", flush=True)
        done, lost = await asyncio.wait(keepers, timeout=_CALM_SECONDS)
        for keeper in lost:
            keeper.cancel()
        faults = [f"a run was still open {_CALM_SECONDS} s after the last kill" for _ in lost]
        faults += [f"a run could not be followed: {keeper.exception()!r}" for keeper in done if keeper.exception()]
    faults += [fault for run in storm.ended for fault in _compare(run, calm)]
    attempts = sum(len(run.reports) for run in storm.ended)
    verdicts = dict(Counter(str(run.result.verdict) for run in storm.ended))
    print(f"{len(storm.ended)} runs with {attempts} attempts ended after {time.monotonic() - began:.0f} s: {verdicts}")
    print("\n".join(faults) or "0 lost, 0 doubled attempts, every fix the same")
    return faults


async def _keep_open(
    session: Session, storm: Storm, folder: Path, numbers: Iterator[int], instance: BugInstance, chosen: Settings
) -> None:
    """Start one run after the other until the storm is over."""
    while not storm.over:
        storm.ended.append(await _run(session, folder / f"tank-{next(numbers)}", instance, chosen))


async def _kill(session: Session, storm: Storm, kills: int, pause: float) -> None:
    """Kill what is there, one at a time."""
    while storm.kills.total() < kills:
        await asyncio.sleep(storm.chance.uniform(0.0, 2 * pause))
        victims = _find_victims(session.stack.pid)
        # By the drawn name, so that a seed draws the same names also where one is just coming back.
        name = storm.chance.choice([*Role, "temporal", "postgres"])
        if name in victims:
            with suppress(psutil.Error):
                victims[name].kill()
                storm.kills[str(name)] += 1


def _find_victims(stack: int) -> dict[str, psutil.Process]:
    """Return what is running, by the role of its worker or the name of its server."""
    victims: dict[str, psutil.Process] = {}
    for process in psutil.Process(stack).children(recursive=True):
        with suppress(psutil.Error):
            command = process.cmdline()
            if command[0].startswith("hydra worker "):
                victims.setdefault(command[0].split()[2], process)
            elif process.name() == "temporal":
                victims["temporal"] = process
            elif process.name() == "postgres" and "-D" in command:
                victims.setdefault("postgres", process)
    return victims


async def _run(session: Session, path: Path, instance: BugInstance, chosen: Settings) -> Ended:
    """Start a run on a new repository, and follow it to its end through whatever is killed."""
    repository = check_out(instance, path)
    start = Start(repository, instance.issue)
    request = await _insist(lambda: start.build_request(session, chosen))
    run_id, _ = await _insist(lambda: start_run(session, request, start.identity, {}))
    result = await follow(session, run_id, quiet=True)
    reports, branches = await _insist(lambda: _read_reports(session, run_id))
    calls = sum([await _insist(partial(_count_calls, session, branch)) for branch in branches])
    genealogy = await _insist(lambda: _read_record(session, run_id))
    return Ended(run_id, result, genealogy, reports, calls, _read_fix(repository))


async def _insist(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return the answer to a call, however often a server is killed under it."""
    while True:
        try:
            return await call()
        except (RPCError, psycopg.Error, PoolTimeout, UsageError) as error:
            print(f"once more: {error}", flush=True)
        await asyncio.sleep(1)


async def _read_reports(session: Session, run_id: str) -> tuple[list[AttemptReport], list[str]]:
    """Return what a run was told about attempts, and the ids of its branches."""
    reports: list[AttemptReport] = []
    branches: list[str] = []
    async for event in session.client.get_workflow_handle(run_id).fetch_history_events():
        signal = event.workflow_execution_signaled_event_attributes
        if signal.signal_name == "attempt_made":
            reports += await session.client.data_converter.decode(signal.input.payloads, [AttemptReport])
        if event.HasField("start_child_workflow_execution_initiated_event_attributes"):
            branches.append(event.start_child_workflow_execution_initiated_event_attributes.workflow_id)
    return reports, branches


async def _count_calls(session: Session, branch: str) -> int:
    """Return how many answers of its model a branch has taken for its attempts."""
    asked, answers = set[int](), 0
    async for event in session.client.get_workflow_handle(branch).fetch_history_events():
        if event.activity_task_scheduled_event_attributes.activity_type.name == "implement":
            asked.add(event.event_id)
        answers += event.activity_task_completed_event_attributes.scheduled_event_id in asked
    return answers


async def _read_record(session: Session, run_id: str) -> Genealogy:
    async with open_database(session.stack.database) as pool:
        genealogy = await read_genealogy(pool, run_id)
    assert genealogy is not None
    return genealogy


def _read_fix(repository: Repository) -> str:
    """Return what a run left in its repository: its branches, what is different on them, and what is not committed."""
    branches = _git(repository, "branch", "--format=%(refname:short)").split()
    diffs = [_git(repository, "diff", "main", branch) for branch in branches]
    return "\n".join([*branches, *diffs, _git(repository, "status", "--porcelain")])


def _git(repository: Repository, *arguments: str) -> str:
    return run_git(repository.path, *arguments).decode()


def _compare(run: Ended, calm: Ended) -> Iterator[str]:
    """Yield what is different from the run that nobody disturbed."""
    ours, theirs = run.describe(), calm.describe()
    for name, value in ours.items():
        if value != theirs[name]:
            yield f"{run.run_id}: {name}: {value} instead of {theirs[name]}"


if __name__ == "__main__":
    sys.exit(main())
