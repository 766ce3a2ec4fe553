"""How far the repair engine gets on a suite by itself: candidates until fixed and where the time goes.

Run with `python -m benchmarks.repair SUITE [INSTANCE...]`. It takes the steps of a run, with the Reaper and the
default budget, but starts no server: for tuning. `hydra bench` measures what a user waits for.
"""

import argparse
import statistics
from pathlib import Path
from typing import Any

from benchmarks import recording, run
from benchmarks.engine import Outcome, survey
from hydra_cli.bench.conditions import Conditions
from hydra_cli.bench.instance_tests import describe_hidden
from hydra_cli.bench.suite import read_suite
from hydranet.budget import Budget
from hydranet.run_settings import ConvergenceSettings


async def main() -> None:
    """Print a line for each instance and the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", type=Path)
    parser.add_argument("only", nargs="*")
    parser.add_argument("--no-reaper", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    settings = None if given.no_reaper else ConvergenceSettings()
    conditions, outcomes, rows = Conditions(), list[Outcome](), list[dict[str, Any]]()
    general = 0
    suite, instances = read_suite(given.suite, given.only)
    for instance in instances.values():
        async with survey(instance) as engine:
            outcome = await engine.repair(Budget(), settings)
            hidden = await engine.passes_hidden()
        outcomes.append(outcome)
        general += hidden is True
        rows.append({"id": instance.id, "hidden": hidden, **outcome.describe()})
        steps = " ".join(f"{step} {seconds:.1f}" for step, seconds in outcome.seconds.items())
        print(
            f"{'fixed' if outcome.passed else '-':5} {instance.id:28} {outcome.total:6.1f} s  {outcome.tried:5} tried "
            f"{outcome.attempts:3} attempts {outcome.branches:2} branches {outcome.reaped:2} reaped | {steps}"
        )
        if outcome.passed:
            print(f"      {outcome.strategy}: {outcome.passed.title}")
            print(f"      hidden tests: {describe_hidden(hidden) or 'none'}", flush=True)
    fixed = [outcome for outcome in outcomes if outcome.passed]
    print(f"{len(fixed)} of {len(outcomes)} fixed, {general} of them pass hidden tests")
    print(f"seconds: median {statistics.median(outcome.total for outcome in outcomes):.1f}")
    print(f"candidates until fixed: {sum(outcome.tried for outcome in fixed)} in all")
    print(f"candidates tried: {sum(outcome.tried for outcome in outcomes)} in all")
    if given.json:
        recording.write(given.json, conditions, rows, suite=suite.name, reaper=not given.no_reaper)


if __name__ == "__main__":
    run(main)
