"""Fixes per token of the allocation and of what it is compared with, replayed over a pool of recorded draws."""

import argparse
from pathlib import Path

from benchmarks import run
from benchmarks.allocation.fit import describe_fit
from benchmarks.allocation.policies import BASELINES, POLICIES
from benchmarks.allocation.pool import read_pool
from benchmarks.allocation.replay import (
    BUDGETS,
    Replays,
    average,
    bootstrap,
    count_bugs_needed,
    find_interval,
)

OWN = "allocation by four, Reaper"
"""What is compared with the baselines: the allocation with attempts as branches make them."""

GOAL = 1.3
"""How many times the fixes of the best baseline the allocation is to bring."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pool", type=Path, help="a folder with draws.jsonl and requests.jsonl")
    parser.add_argument("--fit", action="store_true", help="print the constants that the pool gives, and no replays")
    parser.add_argument("--pools", type=int, default=20, help="resampled pools per bug")
    parser.add_argument("--runs", type=int, default=5, help="runs per resampled pool")
    parser.add_argument("--replicates", type=int, default=2000, help="resampled suites for the intervals")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    bugs = read_pool(given.pool)
    if given.fit:
        print("\n".join(describe_fit([place for places in bugs.values() for place in places])))
        return
    replays = Replays(bugs, POLICIES, pools=given.pools, runs=given.runs, seed=given.seed)
    print(f"{len(replays.bugs)} bugs with right places in the pool, {given.pools * given.runs} runs of each.")
    print("Bugs fixed in percent (95 % interval: bugs resampled, and the draws within each), by tokens:\n")
    print(f"{'':28}", *(f"{budget:>16,}" for budget in BUDGETS), f"{'right place seen':>18}")
    for name in POLICIES:
        cells = [_format_rate(replays, name, budget, given) for budget in BUDGETS]
        print(f"{name:28}", *(f"{cell:>16}" for cell in cells), f"{replays.count_seen(name):>16} %")
    print("\nFalse kills, of places where a draw would have passed within the budget:\n")
    for name, policy in POLICIES.items():
        if getattr(policy, "reaps", False):
            cells = [_format_kills(*replays.find_kill_rate(name, budget)) for budget in BUDGETS]
            print(f"{name:28}", *(f"{cell:>16}" for cell in cells))
    print()
    for budget in BUDGETS:
        print(_compare(replays, budget, given))


def _format_rate(replays: Replays, name: str, budget: int, given: argparse.Namespace) -> str:
    rates = replays.find_rates(name, budget)
    low, high = find_interval([mean for (mean,) in bootstrap([rates], replicates=given.replicates, seed=given.seed)])
    return f"{100 * average(rates):.1f} ({100 * low:.0f}-{100 * high:.0f})"


def _format_kills(wrong: int, passing: int) -> str:
    return f"{wrong}/{passing} ({100 * wrong / passing:.0f} %)" if passing else "-"


def _compare(replays: Replays, budget: int, given: argparse.Namespace) -> str:
    best = max(BASELINES, key=lambda name: average(replays.find_rates(name, budget)))
    pair = [replays.find_rates(OWN, budget), replays.find_rates(best, budget)]
    rate, other = map(average, pair)
    gains = [a - b for a, b in bootstrap(pair, replicates=given.replicates, seed=given.seed)]
    low, high = (100 * bound for bound in find_interval(gains))
    ratio = f"{rate / other:.2f} times" if other else "no fixes of"
    needed, goal = count_bugs_needed(rate, other), count_bugs_needed(min(1.0, GOAL * other), other)
    return (
        f"{budget:>6,} tokens: {OWN} brings {ratio} the best baseline ({best}), {100 * (rate - other):+.1f} points "
        f"({low:+.1f} to {high:+.1f}). Intervals apart need {needed or 'any number of'} bugs as measured, "
        f"{goal or 'any number of'} if the ratio is {GOAL}."
    )


if __name__ == "__main__":
    run(main)
