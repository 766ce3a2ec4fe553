"""Where fault localisation ranks the function that was wrong: recall over a suite with `gold_symbols`.

Run with `python -m benchmarks.localisation SUITE [INSTANCE...]`. A symbol is found at the rank of the first
suspect that is it, in the order in which strategies take them.
"""

import argparse
from pathlib import Path
from typing import Any

from activities.localisation.localiser import Localiser
from benchmarks import recording, run
from benchmarks.engine import Engine, survey
from hydra_cli.bench.conditions import Conditions
from hydra_cli.bench.suite import read_suite
from hydranet.errors import UsageError

AT = (1, 3, 5, 10)


async def rank(engine: Engine) -> tuple[int | None, str]:
    """Return the rank of the first gold symbol, from 1, and why it is there."""
    findings = await Localiser(engine.prepared.artifacts, engine.prepared.objects).localise(engine.work)
    wanted = set(engine.instance.gold_symbols)
    for place, suspect in enumerate(findings.suspects, start=1):
        if f"{suspect.region.source.path}:{suspect.region.symbol}" in wanted:
            return place, "; ".join(suspect.reasons)
    return None, ""


async def main() -> None:
    """Print a line for each instance and the recall."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", type=Path)
    parser.add_argument("only", nargs="*")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    conditions, rows = Conditions(), list[dict[str, Any]]()
    suite, instances = read_suite(given.suite, given.only)
    for instance in instances.values():
        if not instance.gold_symbols:
            raise UsageError(f"{instance.folder / 'instance.json'} has no gold_symbols to be found: add them.")
        async with survey(instance) as engine:
            place, why = await rank(engine)
        rows.append({"id": instance.id, "rank": place, "reasons": why})
        print(f"{place or '-':>3}  {instance.id:24} {', '.join(instance.gold_symbols)}  ({why})", flush=True)
    ranks = [row["rank"] for row in rows]
    for most in AT:
        found = sum(place is not None and place <= most for place in ranks)
        print(f"recall@{most}: {found} of {len(ranks)} ({found / len(ranks):.0%})")
    if given.json:
        recording.write(given.json, conditions, rows, suite=suite.name)


if __name__ == "__main__":
    run(main)
