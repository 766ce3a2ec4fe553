"""The dependencies of a repository's tests: the user's set-up commands, or what its files declare."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import PurePosixPath
from posixpath import dirname
from typing import Any

from activities.sandbox import node_dependencies
from activities.sandbox.git_versions import export_version
from activities.sandbox.protocol import INSIDE_PACKAGE, Sandbox
from activities.sandbox.shared_installs import is_lock_shared, is_shared
from activities.sandbox.variables import NO_VARIABLES, Variables
from hydranet.contracts import SandboxSpec

# In every virtual environment, for test results and coverage.
TOOLS = ("pytest", "coverage")

_DECLARING = re.compile(
    r"(?:uv|poetry)\.lock|uv\.toml|pyproject\.toml|setup\.(?:py|cfg)|[\w.-]*requirements[\w.-]*\.txt|requirements/[\w.-]+\.txt"
    rf"|{node_dependencies.DECLARING}"
)
_REQUIREMENTS = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-test.txt",
    "requirements-tests.txt",
    "requirements_dev.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
    "requirements/dev.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
)
# The tool that wrote a lock file exports it as requirements, so the locked versions are installed.
_LOCKED = "/tmp/locked.txt"  # noqa: S108 - a tmpfs of the sandbox's own
_LOCKS = {
    "uv.lock": (
        "pip install uv",
        f"uv export --frozen --quiet --no-emit-project --all-extras --all-groups --output-file {_LOCKED}",
        f"pip install -r {_LOCKED}",
    ),
    "poetry.lock": (
        "pip install poetry poetry-plugin-export",
        f"poetry export --all-extras --all-groups --output {_LOCKED}",
        f"pip install -r {_LOCKED}",
    ),
}
_GROUPS = ("test", "tests", "testing", "dev")


# The layout of a kept environment; another number keeps old ones from being taken.
_LAYOUT = 2


@dataclass(frozen=True)
class InstallPlan:
    """The shell lines that set up a virtual environment, their variables, and the key of the result.

    The environment starts as that of `parent`. `files` are all that the lines see of the repository, as text by path;
    None is the whole tree, and then the result belongs to that repository and commit alone.
    """

    commands: tuple[str, ...]
    variables: Variables
    key: str
    note: str
    parent: InstallPlan | None = None
    files: tuple[tuple[str, str], ...] | None = ()


def list_declaring_files(paths: Iterable[str], spec: SandboxSpec) -> list[str]:
    """Return the paths of the files that declare dependencies or are named in the user's set-up commands."""
    named = {word.removeprefix("./") for line in spec.setup for word in re.split(r"[^\w./-]+", line)}
    if "make" in named:
        named |= {"Makefile", "makefile", "GNUmakefile"}
    return [path for path in paths if path in named or _DECLARING.fullmatch(path)]


def plan_base(sandbox: Sandbox) -> InstallPlan:
    """Return the plan of the environment that all others are copies of, with pytest and coverage."""
    # A test command may set PYTHONPATH itself, and our own code has to be found all the same.
    find_ours = (
        f"for folder in /env/lib/python*/site-packages; do echo {dirname(INSIDE_PACKAGE)} > $folder/hydra.pth; done"
    )
    commands = ("python3 -I -m venv /env", find_ours, f"pip install {' '.join(TOOLS)}")
    return _make_plan(sandbox, commands, NO_VARIABLES, None, "no dependencies", ())


def plan_install(
    sandbox: Sandbox,
    spec: SandboxSpec,
    declared: Mapping[str, str],
    has_src: bool,
    commit: str,
    variables: Variables = NO_VARIABLES,
    version: str = "",
) -> InstallPlan:
    """Return the plan of a repository's virtual environment at a commit.

    `declared` is the text of its declaring files by path; `has_src` says that its packages lie in src/.
    The user's set-up commands win. Without any, a lock of uv or poetry decides. Without a lock, requirements files
    are installed, and what pyproject.toml declares for running and testing. Where the test
    command calls Node, a lock of npm, pnpm or yarn decides likewise. The project itself is installed only where nothing
    else tells its dependencies (setup.py, a dynamic list), or for packages in src/.
    The first lines, as far as only the declaring files decide, have an environment that repositories share.
    The others are told `version`, that of the last tag, where a build would ask git for it.
    """
    with_node = node_dependencies.calls_node(spec.test_command)
    of_node = node_dependencies.list_install_commands(declared) if with_node and not spec.setup else []
    # What is installed into the work tree belongs to the last of the plans.
    commands = spec.setup or (*_detect_commands(declared, has_src), *of_node)
    plan = plan_base(sandbox)
    if not commands:
        return plan
    shared = _count_shared(commands, declared)
    if of_node and shared == len(commands) - len(of_node) and node_dependencies.is_shared(declared):
        shared = len(commands)
    export = export_version(declared, version, variables.values)
    commands = (*commands[:shared], *(f"{export}{line}" for line in commands[shared:]))
    note = "; ".join(commands) if spec.setup else f"detected: {'; '.join(commands)}"
    if shared:
        files = tuple((path, text) for path, text in sorted(declared.items()) if ".." not in PurePosixPath(path).parts)
        plan = _make_plan(sandbox, commands[:shared], variables, plan, note, files)
    if shared < len(commands):
        plan = _make_plan(sandbox, commands[shared:], variables, plan, note, None, commit)
    return plan


def _count_shared(commands: tuple[str, ...], declared: Mapping[str, str]) -> int:
    locked = {
        line for lock, lines in _LOCKS.items() if lock in declared and is_lock_shared(lock, declared) for line in lines
    }
    return len(list(takewhile(lambda line: line in locked or is_shared(line, declared), commands)))


def _make_plan(
    sandbox: Sandbox,
    commands: tuple[str, ...],
    variables: Variables,
    parent: InstallPlan | None,
    note: str,
    files: tuple[tuple[str, str], ...] | None,
    commit: str = "",
) -> InstallPlan:
    content = {
        "layout": _LAYOUT,
        "python": sandbox.interpreter,
        "tools": TOOLS,
        "commands": commands,
        # Never the values: a short one could be guessed from the key, which is seen.
        "env": [variables.digest] if variables.values else [],
        "parent": parent.key if parent else "",
        "files": files,
        "commit": commit,
    }
    key = hashlib.sha256(json.dumps(content).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return InstallPlan(commands, variables, key, f"{sandbox.name}; {note}", parent, files)


def _detect_commands(declared: Mapping[str, str], has_src: bool) -> list[str]:
    # Never `python -m pip`: a queue.py in the repository would be the installer's queue.
    if lock := next((name for name in _LOCKS if name in declared), None):
        project_itself = ["pip install --no-deps -e ."] if has_src else []
        return [*_LOCKS[lock], *project_itself]
    files = [name for name in _REQUIREMENTS if name in declared]
    commands = [f"pip install -r {shlex.quote(name)}" for name in files]
    project = _parse_pyproject(declared.get("pyproject.toml", ""))
    extras = _testing_extras(project)
    packages = _strings(project.get("project", {}).get("dependencies"))
    # Also where the project itself is installed: these serve every commit, and that is done again for each.
    if packages := packages + [package for extra in extras.values() for package in extra]:
        commands.append(f"pip install -- {shlex.join(packages)}")
    groups = _strings(
        [package for name in _GROUPS for package in _list(project.get("dependency-groups", {}).get(name))]
    )
    if groups:
        commands.append(f"pip install -- {shlex.join(groups)}")
    if _needs_install(project, declared, has_src, bool(files)):
        commands.append(f"pip install -e {shlex.quote(_name_project(extras))}")
    return commands


def _needs_install(project: dict[str, Any], declared: Mapping[str, str], has_src: bool, has_files: bool) -> bool:
    table = project.get("project")
    if isinstance(table, dict) and table:
        return has_src or "dependencies" in _list(table.get("dynamic"))
    if "build-system" in project or "setup.py" in declared:
        return has_src or not has_files
    return False


def _parse_pyproject(text: str) -> dict[str, Any]:
    try:
        project = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    tables = ("project", "dependency-groups", "build-system")
    return {name: project[name] for name in tables if isinstance(project.get(name), dict)}


def _testing_extras(project: dict[str, Any]) -> dict[str, list[str]]:
    declared = project.get("project", {}).get("optional-dependencies")
    extras = declared if isinstance(declared, dict) else {}
    return {name: _strings(extras[name]) for name in _GROUPS if _strings(extras.get(name))}


def _name_project(extras: Iterable[str]) -> str:
    names = ",".join(extras)
    return f".[{names}]" if names else "."


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(value: Any) -> list[str]:
    return [item for item in _list(value) if isinstance(item, str)]
