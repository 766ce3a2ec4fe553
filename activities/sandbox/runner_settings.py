"""The settings of test runners, wherever they stand: what a patch may not change in a file that it may change."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from posixpath import basename
from typing import Any

# Files that hold nothing else.
SETTINGS_FILE = re.compile(
    r"conftest\.py|\.?pytest\.(?:ini|toml)|tox\.ini|(?:jest|vitest|vite|karma|playwright)\.(?:config|conf)\.\w+|\.mocharc\.?\w*"
)
# Tools of a command, and the files that tell them how to test.
_TOOL_FILES = {
    "make": re.compile(r"(?:GNUm|m|M)akefile"),
    "gmake": re.compile(r"(?:GNUm|m|M)akefile"),
    "just": re.compile(r"\.?[jJ]ustfile"),
    "nox": re.compile(r"noxfile\.py"),
    "invoke": re.compile(r"tasks\.py"),
    "inv": re.compile(r"tasks\.py"),
    "rake": re.compile(r"Rakefile"),
    "task": re.compile(r"[tT]askfile\.ya?ml"),
}
_SCRIPT = re.compile(r"\.(?:sh|bash)$|(?:^|/)run_?tests?(?:\.\w+)?$")
_SECTION = re.compile(r"^\[([^\]]*)\]", re.MULTILINE)
_NODE = ("scripts", "jest", "vitest", "mocha", "ava", "nyc", "c8")


def read_runner_settings(path: str, text: str | None) -> Any:
    """Return the settings of test runners in a file that holds others too; None without any."""
    read = _SHARED.get(basename(path))
    return read(text or "") if read is not None else None


def list_command_files(command: str, paths: frozenset[str], folder: str = "") -> set[str]:
    """Return the files by which a command decides what to test: those of make and its like, and scripts it names.

    The command runs in `folder`.
    """
    words = {word.removeprefix("./") for word in re.split(r"[\s;&|()=\"']+", command)}
    patterns = [pattern for tool, pattern in _TOOL_FILES.items() if tool in words]
    named = {path for path in paths if path.removeprefix(f"{folder}/") in words and _SCRIPT.search(path)}
    return named | {path for path in paths if any(pattern.fullmatch(basename(path)) for pattern in patterns)}


def _read_toml(text: str) -> Any:
    try:
        tools = tomllib.loads(text).get("tool", {})
    except (tomllib.TOMLDecodeError, RecursionError):
        # Every line counts that could be a setting's.
        return [line for line in text.splitlines() if "pytest" in line] or None
    settings = {name: tools[name] for name in ("pytest", "tox", "nox") if isinstance(tools, dict) and name in tools}
    return settings or None


def _read_ini(text: str) -> Any:
    starts = list(_SECTION.finditer(text))
    ends = [*(start.start() for start in starts[1:]), len(text)]
    settings = [
        (start[1], text[start.start() : end].split())
        for start, end in zip(starts, ends, strict=True)
        if start[1].strip().lower() in ("pytest", "tool:pytest", "aliases", "tox", "tox:tox", "nosetests", "unittest")
    ]
    return settings or None


def _read_node(text: str) -> Any:
    try:
        package = json.loads(text)
    except (ValueError, RecursionError):
        return text or None
    settings = {name: package[name] for name in _NODE if isinstance(package, dict) and name in package}
    return settings or None


_SHARED: dict[str, Callable[[str], Any]] = {
    "pyproject.toml": _read_toml,
    "setup.cfg": _read_ini,
    "package.json": _read_node,
}
