"""Starts many runs of the demo's bug at one moment, each with a short time budget, and says how they end.

    python -m benchmarks.many_runs [--runs 30] [--seconds 60] [--commands [--at-once N] [--start-only]]

Queueing may not be taken from a budget: each run works for less than a minute, and all of them take many. One run
before them prepares the environment that they share. With `--commands` each run is started by a `hydra fix --detach` of
its own, as many at a time as there are cores, and their time is printed; with `--start-only` the runs are then aborted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from temporalio.service import RPCError

from hydra_cli.bench.suite import BugInstance, check_out, read_suite
from hydra_cli.repository import Repository
from hydra_cli.session import Session, attach_session
from hydra_cli.start import Start, start_run
from hydranet import settings
from hydranet.budget import Budget
from hydranet.contracts import RunResult
from hydranet.genealogy import Genealogy
from hydranet.settings import Settings

DEMO = Path(__file__).parent / "demo"


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and how long it took from its start, `passed`, and worked, `seconds`."""

    result: RunResult
    genealogy: Genealogy
    passed: float


def main() -> None:
    """Start the runs on a stack of their own, or on the one that the settings name, and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--commands", action="store_true")
    parser.add_argument("--at-once", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--start-only", action="store_true")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hydra-many-"))
    os.environ["HYDRA_DATA_DIR"] = str(folder / "data")
    try:
        instance = read_suite(DEMO, [])[1]["theatre"]
        repositories = [check_out(instance, folder / f"theatre-{number:03d}") for number in range(arguments.runs + 1)]
        flags = {"model": "templates", "budget": {"seconds": arguments.seconds}}
        chosen = settings.load_settings(flags=flags)
        asyncio.run(_run_all(repositories, instance, chosen, arguments))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _run_all(
    repositories: list[Repository], instance: BugInstance, chosen: Settings, arguments: argparse.Namespace
) -> None:
    async with attach_session(chosen, to_work=True) as session:
        first, *repositories = repositories
        unlimited = chosen.model_copy(update={"budget": Budget()})
        alone = await _wait(session, await _start(session, first, instance, unlimited))
        print(f"alone: {alone.result.verdict}, {alone.genealogy.seconds:.1f} s on the clock", flush=True)
        started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        if arguments.commands:
            slots = asyncio.Semaphore(arguments.at_once)
            await asyncio.gather(*(_start_by_command(slots, each, instance, chosen) for each in repositories))
            ids = [Start(repository, instance.issue).identity for repository in repositories]
        else:
            ids = await asyncio.gather(*(_start(session, each, instance, chosen) for each in repositories))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        took = f"{time.monotonic() - started:.1f} s, {worked:.1f} s of processor time in commands"
        print(f"{len(ids)} runs started in {took}; load {os.getloadavg()[0]:.1f}", flush=True)
        if arguments.start_only:
            for run_id in ids:
                with suppress(RPCError):  # It may have ended.
                    await session.run_handle(run_id).signal("abort", "It was only to start.")
        outcomes = await asyncio.gather(*(_wait(session, run_id) for run_id in ids))
        print(f"all ended after {time.monotonic() - started:.1f} s; load {os.getloadavg()[0]:.1f}")
        _print(outcomes)


async def _start(session: Session, repository: Repository, instance: BugInstance, chosen: Settings) -> str:
    start = Start(repository, instance.issue)
    request = await start.build_request(session, chosen)
    run_id, _ = await start_run(session, request, start.identity, {})
    return run_id


async def _start_by_command(
    slots: asyncio.Semaphore, repository: Repository, instance: BugInstance, chosen: Settings
) -> None:
    hydra = Path(sysconfig.get_path("scripts")) / "hydra"
    budget = ("--budget-seconds", str(chosen.budget.seconds))
    named = ("--repo", str(repository.path), "--issue", instance.issue, "--model", "templates")
    async with slots:
        command = [str(hydra), "fix", *named, *budget, "--detach"]
        await asyncio.to_thread(lambda: subprocess.run(command, check=True, capture_output=True))


async def _wait(session: Session, run_id: str) -> Outcome:
    result = await session.run_handle(run_id).result()
    described = await session.describe(run_id)
    assert described.close_time is not None
    passed = (described.close_time - described.start_time).total_seconds()
    return Outcome(result, await session.genealogy(run_id), passed)


def _print(outcomes: list[Outcome]) -> None:
    print("verdicts:", dict(Counter(str(outcome.result.verdict) for outcome in outcomes)))
    worked = sorted(outcome.genealogy.seconds for outcome in outcomes)
    passed = sorted(outcome.passed for outcome in outcomes)
    for name, values in (("on the clock", worked), ("from start to end", passed)):
        print(f"{name}: {values[0]:.1f} to {values[-1]:.1f} s, median {values[len(values) // 2]:.1f} s")
    for outcome in outcomes:
        if outcome.result.verdict != "fixed":
            print(f"  {outcome.genealogy.run_id}: {outcome.result.reason}")


if __name__ == "__main__":
    main()
