"""From an import to the file it means, by the paths of a repository alone."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath


class Modules:
    """The Python modules of a repository.

    A module is found from the repository's root, from a `src` folder, from the importing file's own
    folder, and from any other folder that is not itself a package.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = frozenset(path for path in paths if path.endswith(".py"))
        self._by_name: dict[str, list[str]] = {}
        for path in sorted(self.paths, key=lambda path: (path.count("/"), path)):
            self._by_name.setdefault(_module_name(path), []).append(path)
        self.find = lru_cache(maxsize=4096)(self._find)

    def _find(self, module: str, importer: str) -> str | None:
        """The file of `module`, which keeps its leading dots, as imported by the file `importer`."""
        name = module.lstrip(".")
        dots = len(module) - len(name)
        parts = tuple(name.split(".")) if name else ()
        if dots:
            folder = PurePosixPath(importer).parent
            for _ in range(dots - 1):
                folder = folder.parent
            return self._at("/".join((*folder.parts, *parts)))
        own = PurePosixPath(importer).parent.parts
        for root in ((), ("src",), own):
            if (path := self._at("/".join((*root, *parts)))) is not None:
                return path
        return next(
            (path for path in self._by_name.get(name.rpartition(".")[2], []) if self._is_rooted(path, parts)),
            None,
        )

    def _at(self, stem: str) -> str | None:
        return next((path for path in (f"{stem}.py", f"{stem}/__init__.py") if path in self.paths), None)

    def _is_rooted(self, path: str, parts: tuple[str, ...]) -> bool:
        """Whether `path` is the module `parts` below a folder that is no package."""
        own = PurePosixPath(path).with_suffix("").parts
        own = own[:-1] if own[-1] == "__init__" else own
        root = own[: len(own) - len(parts)]
        return own[len(root) :] == parts and "/".join((*root, "__init__.py")) not in self.paths


def _module_name(path: str) -> str:
    pure = PurePosixPath(path)
    return pure.parent.name if pure.name == "__init__.py" else pure.stem
