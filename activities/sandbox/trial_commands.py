"""Test commands whose runner is started once for many candidates, and forked for each."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, normpath

from activities.sandbox.protocol import ENVIRONMENT, WORK

# The oldest pytest that is known to work in a fork server.
LEAST_PYTEST = 6

# The fork servers in `inside`.
PYTEST_SERVER, UNITTEST_SERVER, DJANGO_SERVER = "fork_server", "unittest_fork_server", "django_fork_server"

# A shell expands these even in quotes, and treats these specially only outside of quotes.
_EXPANDED = set("$`\n")
_SPECIAL = set("|&;<>()*?")
_VERSION = re.compile(r"pytest-(\d+)\.([^-]*)\.dist-info")

_CHARACTER = r"""(?:[^\s'"]|'[^']*'|"[^"]*")"""
_ASSIGNMENTS = rf"(?:env\s+)?(?:[A-Za-z_]\w*={_CHARACTER}*\s+)*"
# The options of the interpreter with which our own code runs as well: isolated Python, for one, would not find it.
_OPTIONS = rf"(?:-[bBuq]+\s+|-[WX]\s*{_CHARACTER}+\s+)*"
# A call of a test runner in a shell line. It may only `start` a command where it needs no Python in front of it.
_CALL = re.compile(
    rf"(?:(?P<start>(?:^|[;&|(\n])\s*{_ASSIGNMENTS})|(?<!\S))(?P<python>python3?\s+(?P<options>{_OPTIONS}))?"
    r"(?:(?P<pytest>-m\s+pytest|pytest|py\.test)|(?P<unittest>-m\s+unittest)"
    r"|(?P<django>-m\s+django|django-admin|(?:[\w.-]+/)*manage\.py)\s+test)(?![^\s;&|)])"
)
# Isolated Python.
_ISOLATED = re.compile(r"(?<!\S)-[A-Za-z]*[IE]")


@dataclass(frozen=True)
class TrialCommand:
    """The parts of a test command that only calls pytest, unittest or Django's tests.

    `server` is the fork server in `inside`, which the interpreter runs with its `options`; `arguments` are the
    runner's own. `path` are the entries that the call puts in front of sys.path, `env` the assignments before it.
    """

    server: str
    arguments: tuple[str, ...]
    path: tuple[str, ...]
    env: Mapping[str, str]
    options: tuple[str, ...] = ()


def parse_trial_command(command: str, folder: str = "") -> TrialCommand | None:
    """Parse `[env] [NAME=VALUE]... CALL [ARGUMENT]...`; return None for what needs a shell, and for other runners.

    CALL is `pytest`, `django-admin test`, `./manage.py test`, or `python [OPTION]...` with `-m pytest`, `-m unittest`,
    `-m django test` or `manage.py test`. It runs in `folder` of the work tree.
    """
    call = None if needs_shell(command) else _CALL.match(command.strip())
    if call is None or not _is_whole(call):
        return None
    env = dict(word.split("=", 1) for word in shlex.split(call["start"] or "") if "=" in word)
    arguments = shlex.split(command.strip()[call.end() :])
    options = tuple(shlex.split(call["options"] or ""))
    place = f"{WORK}/{folder}".rstrip("/")
    if call["pytest"]:
        path = (place,) if call["python"] else ()
        return TrialCommand(PYTEST_SERVER, tuple(arguments), path, env, options)
    if call["unittest"]:
        return TrialCommand(UNITTEST_SERVER, tuple(arguments), (place,), env, options)
    program = call["django"].split()
    if program == ["django-admin"]:
        place = f"{ENVIRONMENT}/bin"
    elif program[0] != "-m":
        place = normpath(f"{place}/{dirname(program[0])}")
    return TrialCommand(DJANGO_SERVER, (*program, "test", *arguments), (place,), env, options)


def record_unittest(command: str) -> str:
    """Return a shell line with our recorder in each call of unittest and of Django's tests."""

    def insert_recorder(call: re.Match[str]) -> str:
        is_module = bool(call["unittest"]) or (call["django"] or "").startswith("-m")
        if call["pytest"] or not (is_module or _is_whole(call)):
            return call[0]
        python = call["python"] or ("" if is_module else "python3 ")
        program = f" {call['django']} test" if call["django"] else ""
        return f"{call['start'] or ''}{python}-m hydra_inside.unittest_main{program}"

    return command if _ISOLATED.search(command) else _CALL.sub(insert_recorder, command)


def runs_one_session(command: str) -> bool:
    """Return whether a command runs tests once: any other may run them twice."""
    calls = [] if needs_shell(command) else list(_CALL.finditer(command))
    return any(call["unittest"] for call in calls) or parse_trial_command(command) is not None


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
        return "the test command is not a plain call of pytest, unittest or Django's tests"
    version = _find_pytest(environment) if parsed.server == PYTEST_SERVER else None
    if version is not None and version[0] < LEAST_PYTEST:
        return f"pytest {version[0]}.{version[1]} is older than {LEAST_PYTEST}"
    return ""


def _find_pytest(environment: Path) -> tuple[int, str] | None:
    folders = environment.glob("lib/python*/site-packages/pytest-*.dist-info")
    version = next(filter(None, (_VERSION.fullmatch(folder.name) for folder in folders)), None)
    return (int(version[1]), version[2]) if version else None


def _is_whole(call: re.Match[str]) -> bool:
    # A module needs Python in front of it, a program in the search path must not have it, a script may.
    program = call["pytest"] or call["unittest"] or call["django"]
    if program.startswith("-m"):
        return bool(call["python"])
    if "manage.py" in program and call["python"]:
        return True
    is_program = program in ("pytest", "py.test", "django-admin") or "/" in program
    return is_program and call["start"] is not None and not call["python"]


def _is_special(word: str) -> bool:
    quoted = "'" in word or '"' in word
    return word.startswith(("~", "#")) or (not quoted and bool(_SPECIAL.intersection(word)))
