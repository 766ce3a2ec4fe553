"""Makes an environment at /env: a copy of the one at /inputs, if there is one, and then shell lines.

Usage: prepare.py LINE... Appends to /results the line that begins, as JSON, and in the end null. What the
lines made in /work that was not in the tree is kept in the environment for every later work tree.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

WORK = Path("/work")
TREE = Path("/tree")
PARENT = Path("/inputs")
ENVIRONMENT = Path("/env")
MADE = ENVIRONMENT / ".hydra-work"
LEFT_OUT = {"__pycache__", ".pytest_cache", ".git", "build"}


def main() -> None:
    """Run the lines until one fails."""
    if PARENT.exists():
        subprocess.run(["cp", "-a", f"{PARENT}/.", str(ENVIRONMENT)], check=True)
    for line in sys.argv[1:]:
        _note(line)
        print(f"+ {line}", flush=True)
        status = subprocess.run(["/bin/sh", "-c", line], check=False).returncode
        if status:
            sys.exit(status if status > 0 else 128 - status)
    _keep(Path())
    _note(None)


def _note(line: str | None) -> None:
    with Path("/results").open("a") as file:
        file.write(json.dumps(line) + "\n")


def _keep(folder: Path) -> None:
    """Copy from below `folder` what the tree does not have."""
    for entry in os.scandir(WORK / folder):
        name = folder / entry.name
        if entry.name in LEFT_OUT:
            continue
        if os.path.lexists(TREE / name):
            if entry.is_dir(follow_symlinks=False):
                _keep(name)
            continue
        (MADE / folder).mkdir(parents=True, exist_ok=True)
        if entry.is_dir(follow_symlinks=False):
            shutil.copytree(entry, MADE / name, symlinks=True, ignore=lambda _, names: LEFT_OUT.intersection(names))
        elif entry.is_file() or entry.is_symlink():
            shutil.copy2(entry, MADE / name, follow_symlinks=False)


main()
