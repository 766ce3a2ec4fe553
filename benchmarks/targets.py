"""Which failing tests a run takes as its target, on suites in which every failing test is of the issue.

Run with `python -m benchmarks.targets SUITE [INSTANCE...]`. For each bug with more than one failing test it prints how
many groups they have and how many of them are left out: each of those is a mistake.
"""

import argparse
import tempfile
from pathlib import Path

from activities.retrieval.search_cache import Searches
from benchmarks import run
from benchmarks.engine import load_settings
from hydra_cli.bench.instance_tests import prepare
from hydra_cli.bench.suite import BugInstance, check_out, read_suite


async def choose(instance: BugInstance) -> str:
    """Return what became of the failing tests of a bug, in a line."""
    with tempfile.TemporaryDirectory(prefix="hydra-bench-") as folder:
        repository = check_out(instance, Path(folder) / "repository").path
        async with prepare(repository, instance.merge_settings(load_settings())) as prepared:
            baseline = await prepared.run_tests()
            if baseline.failing_count < 2:
                return f"{baseline.failing_count} failing test"
            target = await prepared.choose_target(repository, instance.issue, baseline, Searches())
            left_out = target.known_count - baseline.known_count
            return f"{baseline.failing_count} failing tests, {left_out} left out. {target.notes[:1]}"


async def main() -> None:
    """Print a line for each instance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", type=Path)
    parser.add_argument("only", nargs="*")
    given = parser.parse_args()
    _, instances = read_suite(given.suite, given.only)
    for instance in instances.values():
        print(f"{instance.id:32} {await choose(instance)}", flush=True)


if __name__ == "__main__":
    run(main)
