"""The setup of a virtual environment at /env: a copy of the base environment at /inputs, if any, then shell lines.

Usage: prepare.py LINE... Before each line it appends the line to /results, as JSON, and in the end null. Files that
the lines generated in /work, and that the tree does not have, are kept at /generated for later work trees.
"""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

# Isolated Python does not look for modules beside the script; last, so that none hides one of the library's.
sys.path.append(str(Path(__file__).parent))
import forwarder  # type: ignore[import-not-found, unused-ignore]

WORK = Path("/work")
TREE = Path("/tree")
BASE = Path("/inputs")
ENVIRONMENT = Path("/env")
GENERATED = Path("/generated")
# Made again by whoever needs it, or, as a build folder, needed only by the installation itself.
LEFT_OUT = {"__pycache__", ".pytest_cache", ".git", "build"}


def main() -> None:
    """Run the lines until one fails."""
    forwarder.start()
    if BASE.exists():
        subprocess.run(["cp", "-a", f"{BASE}/.", str(ENVIRONMENT)], check=True)
    for line in sys.argv[1:]:
        _record(line)
        print(f"+ {line}", flush=True)
        status = subprocess.run(["/bin/sh", "-c", line], check=False).returncode
        if status:
            sys.exit(status if status > 0 else 128 - status)
    _keep_generated(Path())
    _record(None)


def _record(line: str | None) -> None:
    with Path("/results").open("a") as file:
        file.write(json.dumps(line) + "\n")


def _keep_generated(folder: Path) -> None:
    for entry in os.scandir(WORK / folder):
        name = folder / entry.name
        if entry.name in LEFT_OUT:
            continue
        if os.path.lexists(TREE / name):
            if entry.is_dir(follow_symlinks=False):
                _keep_generated(name)
            continue
        (GENERATED / folder).mkdir(parents=True, exist_ok=True)
        if entry.is_dir(follow_symlinks=False):
            # Packages of Node have folders called build, which are what they consist of.
            left_out = set() if entry.name == "node_modules" else LEFT_OUT
            shutil.copytree(entry, GENERATED / name, symlinks=True, ignore=partial(_leave_out, left_out))
        elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
            shutil.copy2(entry, GENERATED / name, follow_symlinks=False)


def _leave_out(names: set[str], _: str, entries: list[str]) -> set[str]:
    return names.intersection(entries)


main()
