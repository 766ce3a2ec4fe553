"""What of a repository is not indexed, and why: by a file's path and size first, then by what it begins with."""

import re
from collections.abc import Collection
from enum import StrEnum
from posixpath import splitext

LARGEST = 1_000_000
"""The largest file that is indexed, in bytes."""

_VENDORED = frozenset(
    {"node_modules", "bower_components", "vendor", "vendored", "_vendor", "third_party", "third-party", "thirdparty"}
    | {"site-packages", "venv", ".venv", "virtualenv", ".tox", ".nox"}
)
_ARTEFACTS = frozenset({"__pycache__", ".eggs", ".next", ".nuxt", "htmlcov"})
# Also what a package may be called, such as the one that builds Python packages.
_ARTEFACTS_OR_PACKAGES = frozenset({"build", "dist"})
_MAYBE_ARTEFACTS = _ARTEFACTS | _ARTEFACTS_OR_PACKAGES
_LOCKS = frozenset(
    {"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "go.sum", "bun.lockb", "packages.lock.json"}
)

_HEAD = 2000
_COMMENT = re.compile(r"\s*(#|//|/\*|\*|--|<!--|$)")
_GENERATED = re.compile(r"@generated\b|\bdo not edit\b", re.IGNORECASE)
_MINIFIED_MEAN = 300
_MINIFIED_SIZE = 2000


class Reason(StrEnum):
    """Why a file is left out."""

    VENDORED = "vendored"
    ARTEFACT = "artefact"
    LOCK = "lock file"
    GENERATED = "generated"
    LARGE = "too large"
    BINARY = "binary"
    NAME = "unreadable name"
    ENCODING = "unknown encoding"
    LANGUAGE = "other language"


def filter_path(path: str, size: int, paths: Collection[str], suffixes: Collection[str]) -> Reason | None:
    """Why the file `path` of `size` bytes is left out; None while it is to be read.

    `paths` are all of the repository; `suffixes`, such as ".py", are those that a parser takes.
    """
    lowered = path.lower()
    *folders, name = lowered.split("/")
    if not path.isprintable():
        return Reason.NAME
    if not _VENDORED.isdisjoint(folders):
        return Reason.VENDORED
    suspicious = ".egg-info/" in lowered or not _MAYBE_ARTEFACTS.isdisjoint(folders)
    if suspicious and any(
        _is_artefact(folder, path.split("/")[: depth + 1], paths) for depth, folder in enumerate(folders)
    ):
        return Reason.ARTEFACT
    if name in _LOCKS or name.endswith(".lock"):
        return Reason.LOCK
    if splitext(path)[1] not in suffixes:
        return Reason.LANGUAGE
    if ".min." in name:
        return Reason.GENERATED
    return Reason.LARGE if size > LARGEST else None


def filter_content(source: bytes) -> Reason | None:
    """Why a file that begins with, or is, `source` is left out; None when it is to be parsed."""
    if b"\0" in source[:8000]:
        return Reason.BINARY
    if len(source) > _MINIFIED_SIZE and len(source) > _MINIFIED_MEAN * (source.count(b"\n") + 1):
        return Reason.GENERATED
    for line in source[:_HEAD].decode(errors="replace").split("\n"):
        if _COMMENT.match(line) is None:
            return None
        if _GENERATED.search(line):
            return Reason.GENERATED
    return None


def _is_artefact(folder: str, parts: list[str], paths: Collection[str]) -> bool:
    if folder in _ARTEFACTS_OR_PACKAGES:
        return "/".join([*parts, "__init__.py"]) not in paths
    return folder in _ARTEFACTS or folder.endswith(".egg-info")
