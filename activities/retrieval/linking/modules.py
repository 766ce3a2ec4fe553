"""From an import to the file it means, by the paths of a repository alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from posixpath import commonpath, dirname, join, normpath

_SCRIPT_SUFFIXES = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mts", ".cts", ".mjs", ".cjs")
_SCRIPTS = tuple(f"{stem}{suffix}" for stem in ("", "/index") for suffix in _SCRIPT_SUFFIXES)
_MODULES = (".py", "/__init__.py", ".pyi", "/__init__.pyi")


class Modules:
    """The modules of a repository.

    A Python module is looked for below the root of the importing file's package, the repository, `src`, and any other
    folder that is no package. A folder without `__init__.py` is a module whose path ends in "/". The modules of
    JavaScript and TypeScript are found relative to their importer alone.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = frozenset(paths)
        self._folders = {""}
        self._roots: dict[str, list[str]] = {}
        self._known: dict[tuple[str, str], str | None] = {}
        for path in sorted(self.paths):
            self._add(path)

    def find(self, module: str, importer: str) -> str | None:
        """Return the path that `module` means in the file `importer`; None for a module outside of the repository."""
        if importer.endswith((".py", ".pyi")):
            place = importer.rpartition("/")[0]
            key = (module, place)
            if key not in self._known:
                self._known[key] = self._find_python(module, place)
            return self._known[key]
        return self._find_script(module, dirname(importer))

    def within(self, module: str, name: str) -> str | None:
        """Return the module `name` of the package at the path `module`."""
        if module.endswith("/"):
            return self._at(module[:-1], name)
        folder, _, file = module.rpartition("/")
        return self._at(folder, name) if file.startswith("__init__.") else None

    def _add(self, path: str) -> None:
        folder, _, file = path.rpartition("/")
        if not file.endswith((".py", ".pyi")):
            return
        if file.startswith("__init__.py"):
            folder, _, file = folder.rpartition("/")
        if not self._is_package(folder):
            roots = self._roots.setdefault(file.partition(".")[0], [])
            if folder not in roots:
                roots.append(folder)
        while folder not in self._folders:
            self._folders.add(folder)
            folder = folder.rpartition("/")[0]

    def _is_package(self, folder: str) -> bool:
        return bool(folder) and (f"{folder}/__init__.py" in self.paths or f"{folder}/__init__.pyi" in self.paths)

    def _find_python(self, module: str, place: str) -> str | None:
        name = module.lstrip(".")
        dots = len(module) - len(name)
        if dots:
            for _ in range(dots - 1):
                if not place:
                    return None
                place = dirname(place)
            return self._below(place, name.split(".") if name else [])
        parts = name.split(".")
        matches = [path for root in self._candidates(parts[0], place) if (path := self._below(root, parts))]
        return next((path for path in matches if not path.endswith("/")), matches[0] if matches else None)

    def _candidates(self, name: str, place: str) -> list[str]:
        own = place
        while self._is_package(own):
            own = dirname(own)
        if name in sys.stdlib_module_names:
            return [own]
        others = sorted(self._roots.get(name, []), key=lambda root: (-_shared(root, place), root.count("/"), root))
        return list(dict.fromkeys([own, "", "src", *others]))

    def _below(self, folder: str, parts: list[str]) -> str | None:
        stem = "/".join([folder, *parts] if folder else parts)
        for suffix in _MODULES if parts else _MODULES[1::2]:
            if f"{stem}{suffix}" in self.paths:
                return f"{stem}{suffix}"
        return f"{stem}/" if stem in self._folders and stem else None

    def _at(self, folder: str, name: str) -> str | None:
        return self._below(folder, [name])

    def _find_script(self, module: str, place: str) -> str | None:
        if not module.startswith("."):
            return None
        stem = normpath(join(place, module))
        # TypeScript imports a file by the name that it has once it is compiled.
        bare = re.sub(r"\.[cm]?jsx?$", "", stem)
        candidates = [stem, *(f"{fromkey}{suffix}" for fromkey in dict.fromkeys((stem, bare)) for suffix in _SCRIPTS)]
        return next((path for path in candidates if path in self.paths), None)


def _shared(root: str, place: str) -> int:
    return len(commonpath(["/" + root, "/" + place]))
