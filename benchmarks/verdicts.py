"""Whether both sandboxes say the same of a suite's bugs: every test at the base, and what templates make of it.

Run with `python -m benchmarks.verdicts SUITE [INSTANCE...]`; needs a Docker Engine.

For each bug, under bubblewrap and under Docker: the outcome of every test by its id, and then what the engine finds
without a model. Exit status 1 when one differs.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from activities.sandbox.backends import open_sandbox
from activities.sandbox.protocol import Sandbox
from benchmarks import run
from benchmarks.engine import survey
from hydra_cli.bench.suite import BugInstance, read_suite
from hydranet.budget import Budget
from hydranet.settings import SandboxSettings

BUDGET = Budget(branches=6)


class Verdict(NamedTuple):
    """What a sandbox says of a bug: test outcomes by id, and the fix, empty when there is none."""

    tests: dict[str, str]
    fix: str


async def verdict(instance: BugInstance, sandbox: Sandbox) -> Verdict:
    async with survey(instance, sandbox) as engine:
        results = await engine.prepared.read_results(engine.baseline)
        outcome = await engine.repair(BUDGET)
        return Verdict({test.id: test.outcome for test in results}, "fixed" if outcome.passed else "no fix")


async def main() -> None:
    """Print a line for each instance; exit with 1 when one differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("suite", type=Path)
    parser.add_argument("only", nargs="*")
    given = parser.parse_args()
    instances, same = read_suite(given.suite, given.only)[1], 0
    with tempfile.TemporaryDirectory(prefix="hydra-verdicts-") as folder:
        async with (
            open_sandbox(SandboxSettings(backend="bubblewrap"), Path(folder)) as one,
            open_sandbox(SandboxSettings(backend="docker"), Path(folder)) as other,
        ):
            print(f"{one.name} and {other.name}")
            for instance in instances.values():
                here, there = await verdict(instance, one), await verdict(instance, other)
                same += here == there
                failing = sum(outcome in ("failed", "error") for outcome in here.tests.values())
                counts = f"{len(here.tests):4} tests, {failing:3} failing"
                print(f"{instance.id:40} {counts}, {here.fix:8} {_told(here, there)}")
    print(f"{same} of {len(instances)} the same")
    sys.exit(same < len(instances))


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
    run(main)
