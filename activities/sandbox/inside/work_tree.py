"""The work tree: apply a candidate's changes to it, and restore it.

As a program, `python3 -m hydra_inside.work_tree COMMAND...`, it applies /inputs/changes.json and runs the command.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

WORK = Path("/work")
# The work tree was filled from these; the first that has a file wins.
SOURCES = (Path("/tree"), Path("/generated"))


def main() -> None:
    """Apply the changes and run the command in place of this process."""
    apply_changes(json.loads(Path("/inputs/changes.json").read_text()))
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606


def apply_changes(changes: Mapping[str, str | None]) -> None:
    """Give each path its text; None removes the file. Raises OSError when a path cannot be written."""
    for name, text in changes.items():
        path = WORK / name
        if text is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        # Surrogates stand for bytes that are not UTF-8.
        path.write_bytes(text.encode("utf-8", "surrogateescape"))


class WorkTreeState:
    """The state of the work tree at one time, to which it can be restored."""

    def __init__(self) -> None:
        self._state = _read_state()

    def restore(self) -> None:
        """Restore every file that changed and remove every new one."""
        now = _read_state()
        for name in sorted(now.keys() - self._state.keys(), reverse=True):
            _remove(WORK / name)
        for name in sorted(name for name, state in self._state.items() if now.get(name) != state):
            self._restore_path(name)

    def _restore_path(self, name: str) -> None:
        path = WORK / name
        source = next((folder / name for folder in SOURCES if os.path.lexists(folder / name)), None)
        if source is None:
            # Bytecode, which Python writes again.
            _remove(path)
            return
        if source.is_dir() and not source.is_symlink():
            if path.is_symlink() or not path.is_dir():
                _remove(path)
                path.mkdir()
            shutil.copystat(source, path)
            return
        _remove(path)
        shutil.copy2(source, path, follow_symlinks=False)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _read_state() -> dict[str, tuple[int, ...]]:
    # Modes, sizes and times tell changes well enough; reading every file after every candidate would be slow.
    state: dict[str, tuple[int, ...]] = {}
    folders = [str(WORK)]
    prefix = len(f"{WORK}/")
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                name = entry.path[prefix:]
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    state[name] = (status.st_mode,)
                else:
                    state[name] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return state


if __name__ == "__main__":
    main()
