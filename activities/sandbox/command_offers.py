"""The test commands that a repository's files speak of, for the sentence that says that no test was found."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterator

_TARGET = re.compile(r"^(?P<name>tests?|check)[ \t]*:(?!=)", re.MULTILINE)
_FILES = (
    *("tox.ini", "setup.cfg", "noxfile.py", "pyproject.toml", "manage.py", "package.json", "uv.lock"),
    *("pnpm-lock.yaml", "yarn.lock"),
    *("Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", ".justfile"),
)

NO_TESTS = 5
"""The exit status of pytest when it has found no test."""


def list_test_commands(files: Collection[str], read: Callable[[str], str | None]) -> list[str]:
    """Return the commands by which the tests of a project may run, each once; `files` are those at its top."""
    texts = {name: read(name) or "" for name in _FILES if name in files}
    return list(dict.fromkeys(_list(texts)))


def _list(texts: dict[str, str]) -> Iterator[str]:
    pyproject = _parse_toml(texts.get("pyproject.toml", ""))
    tools = pyproject.get("tool")
    tools = tools if isinstance(tools, dict) else {}
    if "tox.ini" in texts or "tox" in tools or "[tox" in texts.get("setup.cfg", ""):
        yield "tox"
    if "noxfile.py" in texts:
        yield "nox"
    if "manage.py" in texts:
        yield "python manage.py test"
    for name, program in (("akefile", "make"), ("ustfile", "just")):
        for text in (text for file, text in texts.items() if file.endswith(name)):
            if match := _TARGET.search(text):
                yield f"{program} {match['name']}"
    if "hatch" in tools:
        yield "hatch test"
    for tool, runner in (("pdm", "scripts"), ("poe", "tasks")):
        section = tools.get(tool)
        scripts = section.get(runner) if isinstance(section, dict) else None
        if isinstance(scripts, dict) and "test" in scripts:
            yield f"{tool} {'run ' if tool == 'pdm' else ''}test"
    if "uv.lock" in texts:
        yield "uv run pytest"
    if "poetry" in tools:
        yield "poetry run pytest"
    if "package.json" in texts and _has_test_script(texts["package.json"]):
        managers = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn"}
        yield f"{next((managers[lock] for lock in managers if lock in texts), 'npm')} test"


def _parse_toml(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _has_test_script(text: str) -> bool:
    try:
        package = json.loads(text)
    except (ValueError, RecursionError):
        return False
    scripts = package.get("scripts") if isinstance(package, dict) else None
    test = scripts.get("test") if isinstance(scripts, dict) else None
    # What `npm init` writes.
    return isinstance(test, str) and "no test specified" not in test
