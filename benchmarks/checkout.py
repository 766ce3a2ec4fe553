"""Makes a repository of an instance, to look at or to try `hydra fix` on, and prints the issue.

Run with `python -m benchmarks.checkout SUITE INSTANCE FOLDER`; the folder is not to be there yet.
"""

import argparse
from pathlib import Path

from benchmarks import run
from hydra_cli.bench.suite import check_out, read_suite
from hydranet.errors import UsageError


def main() -> None:
    """Make the repository and print the issue."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("suite", type=Path)
    parser.add_argument("instance")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    instance = read_suite(given.suite, [given.instance])[1][given.instance]
    if given.folder.exists():
        raise UsageError(f"{given.folder} is there already: name a new folder.")
    check_out(instance, given.folder)
    print(instance.issue)


if __name__ == "__main__":
    run(main)
