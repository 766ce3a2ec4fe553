"""The work tree: a candidate's changes written into it, and everything put back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

WORK = Path("/work")
# What /work was made of, the first that has a file wins.
SOURCES = (Path("/tree"), Path("/env/.hydra-work"))


def write(changes: Mapping[str, str | None]) -> None:
    """Make each path hold its text; None removes the file."""
    for name, text in changes.items():
        path = WORK / name
        if text is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(text)


class Original:
    """The state of /work when it was made, as far as sizes and times tell."""

    def __init__(self) -> None:
        self._state = _state()

    def restore(self) -> None:
        """Put back every file that is not as it was and remove what is new."""
        now = _state()
        for name in sorted(now.keys() - self._state.keys(), reverse=True):
            _remove(WORK / name)
        for name in sorted(name for name, state in self._state.items() if now.get(name) != state):
            self._put_back(name)

    def _put_back(self, name: str) -> None:
        path = WORK / name
        source = next((folder / name for folder in SOURCES if os.path.lexists(folder / name)), None)
        if source is None:
            _remove(path)  # bytecode, which comes again
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


def _state() -> dict[str, tuple[int, ...]]:
    """By path below /work: mode, and for anything but a folder size and modification time."""
    state: dict[str, tuple[int, ...]] = {}
    folders = [str(WORK)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                name = os.path.relpath(entry.path, WORK)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    state[name] = (found.st_mode,)
                else:
                    state[name] = (found.st_mode, found.st_size, found.st_mtime_ns)
    return state
