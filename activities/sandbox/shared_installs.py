"""Which commands of a setup only the declaring files decide, so that their result may serve other repositories too.

Whatever could read or run another file of the repository is not among them. What is not understood is not either.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

_FILE_OPTIONS = ("-r", "--requirement", "-c", "--constraint")
_FLAGS = {"--", "-q", "--quiet", "-U", "--upgrade", "--pre", "--no-deps", "--prefer-binary"}
# In a requirements file: options without a path, and those with a URL that must not be one.
_HARMLESS = ("--no-index", "--pre", "--prefer-binary", "--require-hashes", "--no-binary", "--only-binary")
_URL_OPTIONS = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host")
# A name with extras, and then nothing, a version, a marker, or the address of a file on the web.
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*\s*(?:\[[\w\s,.-]*\])?\s*(?:[<>=!~;(][^@]*|@\s*https?://\S+(?:\s*;.*)?)?")
_ARCHIVE = re.compile(r"\.(?:whl|zip|egg|tar|tar\.\w+|tgz|tbz|txz)$", re.IGNORECASE)
_HASHES = re.compile(r"(?:\s+--hash=\w+:\w+)+\s*$")
_COMMENT = re.compile(r"(?:^|\s)#.*$")


def is_shared(command: str, declared: Mapping[str, str]) -> bool:
    """Return whether a shell line installs only what `declared`, files by path, name of package indexes."""
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    # A line that is not its own quoted form holds something for the shell.
    if words[:2] != ["pip", "install"] or len(words) < 3 or shlex.join(words) != command:
        return False
    arguments = iter(words[2:])
    for word in arguments:
        if word in _FILE_OPTIONS:
            if not _is_closed(next(arguments, ""), declared, ()):
                return False
        elif word not in _FLAGS and not _is_of_an_index(word):
            return False
    return True


def is_lock_shared(lock: str, declared: Mapping[str, str]) -> bool:
    """Return whether a lock file of uv or poetry names nothing of the repository but the project itself."""
    tables = _parse(declared.get("pyproject.toml", ""))
    content = _parse(declared.get(lock, ""))
    if tables is None or content is None or _table(_table(tables.get("tool")).get("uv")).get("workspace"):
        return False
    packages = content.get("package", [])
    return isinstance(packages, list) and all(_is_package_of_an_index(_table(package)) for package in packages)


def _is_package_of_an_index(package: Mapping[str, Any]) -> bool:
    source = _table(package.get("source"))
    if "type" in source:
        return source["type"] in ("legacy", "url") and _is_web(source.get("url"))
    for kind, value in source.items():
        project_itself = kind in ("virtual", "editable") and value == "."
        if not project_itself and not (kind in ("registry", "url") and _is_web(value)):
            return False
    return True


def _is_closed(name: str, declared: Mapping[str, str], outer: tuple[str, ...]) -> bool:
    """Return whether a requirements file, and all that it includes, is among the declared ones and names no path."""
    if name not in declared or name in outer:
        return False
    text = declared[name].replace("\\\n", " ")
    return all(_is_closed_line(line, name, declared, outer) for line in text.splitlines())


def _is_closed_line(line: str, name: str, declared: Mapping[str, str], outer: tuple[str, ...]) -> bool:
    line = _HASHES.sub("", _COMMENT.sub("", line)).strip()
    if "${" in line:
        return False
    if not line.startswith("-"):
        return not line or _is_of_an_index(line)
    option, _, value = line.replace("=", " ", 1).partition(" ")
    value = value.strip()
    if option in _FILE_OPTIONS:
        included = str(PurePosixPath(name).parent / value)
        return _is_closed(included, declared, (*outer, name))
    if option in _URL_OPTIONS:
        return _is_web(value) or option == "--trusted-host"
    return option in _HARMLESS and "/" not in value


def _is_of_an_index(requirement: str) -> bool:
    return bool(_REQUIREMENT.fullmatch(requirement)) and not _ARCHIVE.search(requirement.partition("@")[0].strip())


def _is_web(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def _parse(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
