"""Measure the CPU time that commands take to start, beside a bare interpreter in the same rounds.

    python -m benchmarks.startup

Run `hydra up` before: the time of a stack that `hydra runs` would have to start is not measured.
"""

import resource
import subprocess
import sys
import sysconfig
from pathlib import Path
from statistics import median

HYDRA = str(Path(sysconfig.get_path("scripts")) / "hydra")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "hydra --help": [HYDRA, "--help"],
    "hydra runs": [HYDRA, "runs"],
}
ROUNDS = 11


def cpu_seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    rounds = [{name: cpu_seconds(command) for name, command in COMMANDS.items()} for _ in range(ROUNDS)]
    for name in COMMANDS:
        seconds = [taken[name] for taken in rounds]
        print(f"{name:16} {median(seconds):.3f} s CPU (median of {ROUNDS}, {min(seconds):.3f} to {max(seconds):.3f})")


if __name__ == "__main__":
    main()
