"""Starts many runs of the demo's bug at one moment, each with a short time budget, and says how they end.

    python -m benchmarks.many_runs [--runs 30] [--seconds 60] [--commands]

Queueing may not be taken from a budget: each run works for a few seconds, and all of them take minutes. With
`--commands` each run is started by a `hydra fix --detach` of its own, one after another, and their time is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hydra_cli.bench.suite import BugInstance, check_out, read_suite
from hydra_cli.repository import Repository
from hydra_cli.session import Session, attach_session
from hydra_cli.start import Start, start_run
from hydranet import settings
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
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hydra-many-"))
    os.environ["HYDRA_DATA_DIR"] = str(folder / "data")
    try:
        instance = read_suite(DEMO, [])[1]["theatre"]
        repositories = [check_out(instance, folder / f"theatre-{number:03d}") for number in range(arguments.runs)]
        flags = {"model": "templates", "budget": {"seconds": arguments.seconds}}
        chosen = settings.load_settings(flags=flags)
        asyncio.run(_run_all(repositories, instance, chosen, commands=arguments.commands))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _run_all(repositories: list[Repository], instance: BugInstance, chosen: Settings, *, commands: bool) -> None:
    async with attach_session(chosen, to_work=True) as session:
        started = time.monotonic()
        if commands:
            for repository in repositories:
                await asyncio.to_thread(_start_by_command, repository, instance, chosen)
            ids = [Start(repository, instance.issue).identity for repository in repositories]
        else:
            ids = await asyncio.gather(*(_start(session, each, instance, chosen) for each in repositories))
        print(f"{len(ids)} runs started in {time.monotonic() - started:.1f} s", flush=True)
        outcomes = await asyncio.gather(*(_wait(session, run_id) for run_id in ids))
        print(f"all ended after {time.monotonic() - started:.1f} s")
        _print(outcomes)


async def _start(session: Session, repository: Repository, instance: BugInstance, chosen: Settings) -> str:
    start = Start(repository, instance.issue)
    request = await start.build_request(session, chosen)
    run_id, _ = await start_run(session, request, start.identity, {})
    return run_id


def _start_by_command(repository: Repository, instance: BugInstance, chosen: Settings) -> None:
    hydra = Path(sysconfig.get_path("scripts")) / "hydra"
    budget = ("--budget-seconds", str(chosen.budget.seconds))
    named = ("--repo", str(repository.path), "--issue", instance.issue, "--model", "templates")
    subprocess.run([hydra, "fix", *named, *budget, "--detach"], check=True, stdout=subprocess.DEVNULL)


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
