"""The formatters of a repository: which it configures, and which of these its environment has."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from activities.sandbox.protocol import ENVIRONMENT, WORK, locate_generated

_SCRIPTS = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx")
_PRETTIER = "node_modules/.bin/prettier"
_PRETTIER_FILES = (
    *(f".prettierrc{ending}" for ending in ("", ".json", ".yml", ".yaml", ".json5", ".toml", ".js", ".cjs", ".mjs")),
    *(f"prettier.config.{ending}" for ending in ("js", "cjs", "mjs", "ts")),
)


@dataclass(frozen=True)
class Formatter:
    """A program that reads a source and writes it as its project wants it; `option` names the file of the source."""

    name: str
    program: str
    arguments: tuple[str, ...]
    option: str
    suffixes: tuple[str, ...]

    def make_command(self, path: str, folder: str, source: str) -> tuple[str, ...]:
        """Return the command that formats the text of the file `source` as one at `path`, at the top of the tree."""
        program = f"{WORK}/{folder}/{_PRETTIER}" if self.program == _PRETTIER else self.program
        return ("/bin/sh", "-c", 'exec "$@" < "$0"', source, program, *self.arguments, self.option, f"./{path}")


# The first that leaves the file as it was before the fix is the one that its project uses.
FORMATTERS = (
    Formatter("black", f"{ENVIRONMENT}/bin/black", ("--quiet", "-"), "--stdin-filename", (".py", ".pyi")),
    Formatter("ruff", f"{ENVIRONMENT}/bin/ruff", ("format", "--quiet", "-"), "--stdin-filename", (".py", ".pyi")),
    Formatter("prettier", _PRETTIER, (), "--stdin-filepath", _SCRIPTS),
)


def list_formatters(
    paths: Collection[str], read: Callable[[str], str | None], environment: Path, folder: str
) -> tuple[str, ...]:
    """Return the names of the formatters that a repository configures and its environment has.

    `paths` are the files of the repository, of which `read` gives the text; the project is in `folder`.
    """
    configured = {name for place in {folder, ""} for name in _list_configured(paths, read, place)}
    return tuple(each.name for each in FORMATTERS if each.name in configured and _has(environment, each, folder))


def _has(environment: Path, formatter: Formatter, folder: str) -> bool:
    if formatter.program == _PRETTIER:
        return os.path.lexists(locate_generated(environment) / folder / _PRETTIER)
    return os.path.lexists(environment / Path(formatter.program).relative_to(ENVIRONMENT))


def _list_configured(paths: Collection[str], read: Callable[[str], str | None], folder: str) -> set[str]:
    top = f"{folder}/" if folder else ""

    def load(name: str) -> str:
        return (read(f"{top}{name}") or "") if f"{top}{name}" in paths else ""

    configured: set[str] = {name for name in ("black", "ruff") if name in _read_tools(load("pyproject.toml"))}
    if any(f"{top}{name}" in paths for name in ("ruff.toml", ".ruff.toml")):
        configured.add("ruff")
    if any(f"{top}{name}" in paths for name in _PRETTIER_FILES) or _uses_prettier(load("package.json")):
        configured.add("prettier")
    return configured


def _read_tools(text: str) -> dict[str, Any]:
    try:
        tools = tomllib.loads(text).get("tool", {})
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    return tools if isinstance(tools, dict) else {}


def _uses_prettier(text: str) -> bool:
    try:
        package = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return False
    if not isinstance(package, dict):
        return False
    parts = [package, package.get("dependencies"), package.get("devDependencies")]
    return any(isinstance(part, dict) and "prettier" in part for part in parts)
