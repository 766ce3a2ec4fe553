"""Checks a suite of our own: every bug fails its tests, its fix passes them, and its package is clean.

Where an instance has wrong fixes, each passes the given tests and fails the hidden ones.

Run with `python -m benchmarks.verify [SUITE] [INSTANCE...]`. Tests run with this interpreter, outside of any sandbox:
for suites that we wrote ourselves.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks import run
from hydra_cli.bench.suite import BUG, GOLD, HIDDEN, BugInstance, apply_patch, build_tree, read_suite
from hydranet.errors import UsageError

OWN = Path(__file__).parent / "seeded"
WRONG = "wrong"


def passes(tree: Path, test_command: str) -> bool:
    """Return whether the tests in a folder pass; anything but passing and failing is an error of the suite."""
    command = [sys.executable, *shlex.split(test_command)[1:], "-p", "no:cacheprovider"]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, env=env, check=False)
    if done.returncode not in (0, 1):
        raise UsageError(f"{test_command} cannot be run on {tree.name}: {done.stdout}{done.stderr}")
    return done.returncode == 0


def find_faults(instance: BugInstance) -> list[str]:
    """Return what is wrong with an instance."""
    faults = []
    given, hidden = f"{instance.test_command} --ignore={HIDDEN}", f"python -m pytest -q {HIDDEN}"
    with tempfile.TemporaryDirectory(prefix="hydra-verify-") as scratch:
        tree = build_tree(instance, Path(scratch) / instance.folder.name)
        commands = {"given": given}
        if (instance.folder / HIDDEN).is_dir():
            shutil.copytree(instance.folder / HIDDEN, tree / HIDDEN)
            commands["hidden"] = hidden
        faults += [f"{name} tests pass with the bug" for name, command in commands.items() if passes(tree, command)]
        faults += [f"no file {path}" for path in instance.gold_files if not (tree / path).is_file()]
        faults += find_wrong_faults(instance, tree, commands)
        apply_patch(instance.folder / GOLD, tree)
        faults += [f"{name} tests fail with the fix" for name, command in commands.items() if not passes(tree, command)]
        if (instance.folder / BUG).exists():
            faults += [
                f"with the fix {path} is not as in the package"
                for path in instance.gold_files
                if (tree / path).read_bytes() != (instance.files / path).read_bytes()
            ]
    return faults


def find_wrong_faults(instance: BugInstance, tree: Path, commands: Mapping[str, str]) -> list[str]:
    """Return which wrong fixes of an instance its tests do not judge as they should; the tree is left as it was."""
    faults = []
    for patch in sorted((instance.folder / WRONG).glob("*.patch")):
        apply_patch(patch, tree)
        for name, command in commands.items():
            passing = passes(tree, command)
            if passing == (name == "hidden"):
                faults.append(f"{name} tests {'pass' if passing else 'fail'} with {WRONG}/{patch.name}")
        apply_patch(patch, tree, "--reverse")
    return faults


def find_package_faults(package: Path) -> list[str]:
    """Return what is wrong with a package into which bugs are put."""
    with tempfile.TemporaryDirectory(prefix="hydra-verify-") as scratch:
        tree = Path(shutil.copytree(package, Path(scratch) / package.name))
        return [] if passes(tree, "python -m pytest -q") else ["tests fail without a bug"]


def main() -> None:
    """Print every fault; exit with 1 when there is one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("suite", nargs="?", type=Path, default=OWN)
    parser.add_argument("only", nargs="*")
    given = parser.parse_args()
    instances = read_suite(given.suite, given.only)[1]
    checks = {name: partial(find_faults, instance) for name, instance in instances.items()}
    packages = sorted({instance.files for instance in instances.values() if (instance.folder / BUG).exists()})
    checks |= {f"packages/{package.name}": partial(find_package_faults, package) for package in packages}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = dict(zip(checks, pool.map(lambda check: check(), checks.values()), strict=True))
    for name, own in faults.items():
        for fault in own:
            print(f"{name}: {fault}")
    print(f"{sum(not own for own in faults.values())} of {len(faults)} instances and packages are as they should be")
    sys.exit(any(faults.values()))


if __name__ == "__main__":
    run(main)
