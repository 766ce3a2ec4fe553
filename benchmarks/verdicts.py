"""Whether both sandboxes say the same of a suite's bugs: every test at the base, and what templates make of it.

Usage: python benchmarks/verdicts.py SUITE [INSTANCE ...]   (from the repository's root; needs a Docker Engine)

For each bug, under bubblewrap and under Docker: the outcome of every test by its id, and then what `benchmarks/engine`
finds without a model. Exit status 1 when one differs.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from activities.artifacts.store import get_model
from activities.sandbox.backends import open_sandbox
from activities.sandbox.protocol import Sandbox
from benchmarks.engine import Bug, Engine, bugs
from hydranet.budget import Budget
from hydranet.contracts import TestResults
from hydranet.settings import SandboxSettings

BUDGET = Budget(branches=6)


class Verdict(NamedTuple):
    """What a sandbox says of a bug: test outcomes by id, and the fix, empty when there is none."""

    tests: dict[str, str]
    fix: str


async def verdict(bug: Bug, sandbox: Sandbox) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="hydra-verdicts-") as folder:
        engine = Engine(bug, Path(folder), sandbox)
        await engine.survey()
        assert engine.baseline.results is not None
        found = await get_model(engine.artifacts, engine.baseline.results, TestResults)
        outcome = await engine.repair(BUDGET)
        return Verdict({test.id: test.outcome for test in found.tests}, "fixed" if outcome.passed else "no fix")


async def main(suite: Path, only: list[str]) -> int:
    chosen, same = bugs(suite, only), 0
    with tempfile.TemporaryDirectory(prefix="hydra-verdicts-") as folder:
        async with (
            open_sandbox(SandboxSettings(backend="bubblewrap"), Path(folder)) as one,
            open_sandbox(SandboxSettings(backend="docker"), Path(folder)) as other,
        ):
            print(f"{one.name} and {other.name}")
            for bug in chosen:
                here, there = await verdict(bug, one), await verdict(bug, other)
                same += here == there
                failing = sum(outcome in ("failed", "error") for outcome in here.tests.values())
                print(f"{bug.id:40} {len(here.tests):4} tests, {failing:3} failing, {here.fix:8} {_told(here, there)}")
    print(f"{same} of {len(chosen)} the same")
    return 0 if same == len(chosen) else 1


def _told(here: Verdict, there: Verdict) -> str:
    if here == there:
        return "the same"
    ids = sorted(here.tests.keys() | there.tests.keys())
    differ = [
        f"{name}: {here.tests.get(name)}, {there.tests.get(name)}"
        for name in ids
        if here.tests.get(name) != there.tests.get(name)
    ]
    return "; ".join(["DIFFERENT", *differ[:3], *([] if here.fix == there.fix else [there.fix])])


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), sys.argv[2:])))
