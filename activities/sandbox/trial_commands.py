"""Test commands whose runner is started once for many candidates, and forked for each."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, normpath

from activities.sandbox.protocol import WORK

# The oldest pytest that is known to work in a fork server.
LEAST_PYTEST = 6

# The fork servers in `inside`.
PYTEST_SERVER, UNITTEST_SERVER, DJANGO_SERVER = "fork_server", "unittest_fork_server", "django_fork_server"

# A shell expands these even in quotes, and treats these specially only outside of quotes.
_EXPANDED = set("$`\n")
_SPECIAL = set("|&;<>()*?")
_PYTHON = ("python", "python3")
_VERSION = re.compile(r"pytest-(\d+)\.([^-]*)\.dist-info")


@dataclass(frozen=True)
class TrialCommand:
    """The parts of a test command that only calls pytest, unittest or Django's tests.

    `server` is the fork server in `inside`, `arguments` are the runner's own. `path` are the entries that the call puts
    in front of sys.path, `env` the assignments before it.
    """

    server: str
    arguments: tuple[str, ...]
    path: tuple[str, ...]
    env: Mapping[str, str]


def parse_trial_command(command: str, folder: str = "") -> TrialCommand | None:
    """Parse `[env] [NAME=VALUE]... COMMAND`; return None for anything that needs a shell, and for other runners.

    COMMAND is `pytest`, `python -m pytest`, `python -m unittest` or `python manage.py test`, with arguments. It runs in
    `folder` of the work tree.
    """
    if needs_shell(command):
        return None
    words = shlex.split(command)
    env: dict[str, str] = {}
    if words[:1] == ["env"]:
        words = words[1:]
    while words and "=" in words[0] and words[0].partition("=")[0].isidentifier():
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    if words[:1] in (["pytest"], ["py.test"]):
        return TrialCommand(PYTEST_SERVER, tuple(words[1:]), (), env)
    if not words or words[0] not in _PYTHON:
        return None
    place = f"{WORK}/{folder}".rstrip("/")
    if words[1:3] == ["-m", "pytest"]:
        return TrialCommand(PYTEST_SERVER, tuple(words[3:]), (place,), env)
    if words[1:3] == ["-m", "unittest"]:
        return TrialCommand(UNITTEST_SERVER, tuple(words[3:]), (place,), env)
    if len(words) > 2 and words[1].endswith("manage.py") and words[2] == "test":
        return TrialCommand(DJANGO_SERVER, tuple(words[1:]), (normpath(f"{place}/{dirname(words[1])}"),), env)
    return None


def needs_shell(command: str) -> bool:
    """Return whether only a shell knows what a command runs: it may run several."""
    try:
        words = shlex.split(command, posix=False)
        shlex.split(command)
    except ValueError:
        return True
    return bool(_EXPANDED.intersection(command)) or any(map(_is_special, words))


def explain_separate_trials(command: str, environment: Path) -> str:
    """Return why each candidate has to have a process of its own, as a clause; empty where one process is forked."""
    parsed = parse_trial_command(command)
    if parsed is None:
        return "the test command is not a plain call of pytest, unittest or Django's manage.py"
    version = _find_pytest(environment) if parsed.server == PYTEST_SERVER else None
    if version is not None and version[0] < LEAST_PYTEST:
        return f"pytest {version[0]}.{version[1]} is older than {LEAST_PYTEST}"
    return ""


def _find_pytest(environment: Path) -> tuple[int, str] | None:
    folders = environment.glob("lib/python*/site-packages/pytest-*.dist-info")
    version = next(filter(None, (_VERSION.fullmatch(folder.name) for folder in folders)), None)
    return (int(version[1]), version[2]) if version else None


def _is_special(word: str) -> bool:
    quoted = "'" in word or '"' in word
    return word.startswith(("~", "#")) or (not quoted and bool(_SPECIAL.intersection(word)))
