"""Where fault localisation ranks the function that was wrong: recall over a suite with `gold_symbols`.

Run with `python benchmarks/localisation.py SUITE [INSTANCE...]`. A symbol is found at the rank of the first
suspect that is it, in the order in which strategies take them.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from engine import Engine, bugs

from activities.localisation.localiser import Localiser

AT = (1, 3, 5, 10)


async def rank(engine: Engine) -> tuple[int | None, str]:
    """The rank of the first gold symbol, from 1, and why it is there."""
    await engine.survey()
    findings = await Localiser(engine.artifacts, engine.objects).find(engine.work)
    wanted = set(engine.bug.described["gold_symbols"])
    for place, suspect in enumerate(findings.suspects, start=1):
        if f"{suspect.region.source.path}:{suspect.region.symbol}" in wanted:
            return place, "; ".join(suspect.reasons)
    return None, ""


async def main() -> None:
    """Print a line for each instance and the recall."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", type=Path)
    parser.add_argument("only", nargs="*")
    given = parser.parse_args()
    ranks = []
    for bug in bugs(given.suite, given.only):
        with tempfile.TemporaryDirectory(prefix="hydra-bench-") as folder:
            place, why = await rank(Engine(bug, Path(folder)))
        ranks.append(place)
        print(f"{place or '-':>3}  {bug.id:24} {', '.join(bug.described['gold_symbols'])}  ({why})", flush=True)
    for most in AT:
        found = sum(place is not None and place <= most for place in ranks)
        print(f"recall@{most}: {found} of {len(ranks)} ({found / len(ranks):.0%})")


if __name__ == "__main__":
    asyncio.run(main())
