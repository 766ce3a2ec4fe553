"""Measure what three hosts cost: a small bug on one host, and over three with TLS and a delay, in turns.

    python -m benchmarks.network_hops [--rounds 5] [--json FILE]

The hosts have a network of their own, whose switch delays each frame; the commands of the guide make them a cluster.
Before the first round each arm fixes the bug once, so that everything is warm. It needs root, for the network.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import recording, run
from benchmarks.mesh import SUPERVISOR, Mesh, open_mesh
from hydra_cli.bench.conditions import Conditions
from hydranet.errors import UsageError
from tests.e2e.conftest import repository
from tests.e2e.network import Host, share_base_environment
from tests.e2e.test_mutual_tls import SOURCE, TESTS


@dataclass(frozen=True)
class Arm:
    """A way to run: on one host, or over three with a delay each way in seconds."""

    name: str
    delay: float | None = None


ARMS = (Arm("one host"), Arm("three hosts", 0.0), Arm("three hosts, 1 ms", 0.001), Arm("three hosts, 20 ms", 0.02))


@dataclass(frozen=True)
class Row:
    """A run: seconds of the command, of the run by its own clock, and of its attempts, each from the one before."""

    arm: str
    command: float
    run: float
    attempts: list[float]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    os.environ.pop("HYDRA_DATA_DIR", None)
    conditions, rows = Conditions(), list[Row]()
    with open_mesh() as mesh:
        alone = mesh.network.add_host("alone", "192.168.7.20")
        share_base_environment(alone)
        if (up := alone("up", timeout=300)).returncode:
            raise UsageError(up.stderr)
        for number in range(given.rounds + 1):
            for arm in ARMS:
                row = _measure(mesh, alone, arm, number)
                print(number, row, flush=True)
                rows += [row] if number else []
    _print(rows)
    if given.json:
        recording.write(given.json, conditions, [vars(row) for row in rows])


def _measure(mesh: Mesh, alone: Host, arm: Arm, number: int) -> Row:
    host = alone if arm.delay is None else mesh.hosts[SUPERVISOR]
    mesh.network.slow(mesh.hosts[SUPERVISOR], arm.delay or 0.0)
    folder = repository(host.home / f"total-{ARMS.index(arm)}-{number}", {"total.py": SOURCE, "test_total.py": TESTS})
    began = time.monotonic()
    named = ("--repo", folder, "--issue", "total([]) returns 1 instead of 0", "--model", "templates")
    done = host("fix", *named, "--json", timeout=300)
    seconds = time.monotonic() - began
    if done.returncode:
        raise UsageError(f"The bug was not fixed on {arm.name}: {done.stdout[-500:]}{done.stderr}")
    genealogy = json.loads(done.stdout)["genealogy"]
    attempts = [attempt["seconds"] for branch in genealogy["branches"] for attempt in branch["attempts"]]
    return Row(arm.name, seconds, genealogy["seconds"], attempts)


def _print(rows: list[Row]) -> None:
    print("| | `hydra fix` | of it the run | an attempt |\n| --- | --- | --- | --- |")
    first: tuple[float, ...] = ()
    for arm in ARMS:
        own = [row for row in rows if row.arm == arm.name]
        values = (
            median(row.command for row in own),
            median(row.run for row in own),
            median(seconds for row in own for seconds in row.attempts),
        )
        first = first or values
        cells = [f"{value:.2f} s ({value / base:.2f})" for value, base in zip(values, first, strict=True)]
        print(f"| {arm.name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    run(main)
