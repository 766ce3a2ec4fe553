"""The sandbox of a node: which one it has, and how many are at work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from activities.node.machine import check_namespaces
from activities.node.running_sandboxes import ask_engine, list_processes
from hydranet.contracts import Check, Level
from hydranet.errors import UsageError
from hydranet.settings import SandboxSettings


async def check_sandboxes(settings: SandboxSettings) -> list[Check]:
    """Return whether Docker and bubblewrap can be used here; one of them is enough where the settings name none."""
    from activities.sandbox.backends import check_sandbox
    from activities.sandbox.bubblewrap import check_bubblewrap

    docker = settings.model_copy(update={"backend": "docker"})
    problems = {
        "docker": await _find_problem(lambda: check_sandbox(docker)),
        "bubblewrap": await _find_problem(check_bubblewrap),
    }
    usable = [name for name, problem in problems.items() if not problem]
    checks = []
    for name, problem in problems.items():
        needed = settings.backend == name or not usable
        level = Level.OK if not problem else Level.FAIL if needed else Level.WARN
        if settings.backend not in ("auto", name) and problem:
            level = Level.OK  # The settings do without it.
        works = f"the engine answers, and has the image {settings.image}" if name == "docker" else "it makes a sandbox"
        cause, _, remedy = problem.partition(": ")
        checks.append(Check(name=name, level=level, text=cause or works, remedy=remedy[:1].upper() + remedy[1:]))
    return [*checks, check_namespaces("bubblewrap" in usable)]


async def count_sandboxes() -> int:
    """Return how many sandboxes of this worker are at work: containers, and processes of bubblewrap."""
    return await asyncio.to_thread(_count)


def _count() -> int:
    return ask_engine(lambda engine: engine.count_containers(), 0) + sum(1 for _ in list_processes())


async def _find_problem(check: Callable[[], None]) -> str:
    try:
        await asyncio.to_thread(check)
    except UsageError as error:
        return str(error)
    return ""
