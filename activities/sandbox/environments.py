"""Prepared environments: made once per content, kept in the cache, read-only for every test run."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from filelock import AsyncFileLock

from activities.sandbox import dependencies
from activities.sandbox.dependencies import InstallPlan
from activities.sandbox.protocol import PACKAGE, Execution, Job, Limits, Sandbox
from activities.sandbox.results import clean_output
from hydranet.contracts import SandboxSpec
from hydranet.errors import FatalError

_TAIL = 600


class Environments:
    """The environments below `cache`, one folder per key; several processes may share it."""

    def __init__(self, sandbox: Sandbox, cache: Path) -> None:
        self._sandbox = sandbox
        self._folder = cache / "environments"

    async def prepare(self, plan: InstallPlan, tree: Path, spec: SandboxSpec) -> Path:
        """The folder of the environment that `plan` makes, made first when it is not there.

        Its commands run in the sandbox with the network on, in a copy of `tree`. Raises FatalError, with
        the command that failed and the end of its log.
        """
        path = self._folder / plan.key
        if path.exists():
            return path
        base = dependencies.plan_base(self._sandbox)
        parent = None if plan.key == base.key else await self.prepare(base, tree, spec)
        self._folder.mkdir(parents=True, exist_ok=True)
        async with AsyncFileLock(f"{path}.lock"):
            if not path.exists():
                await self._make(plan, parent, path, tree, spec)
        return path

    async def _make(self, plan: InstallPlan, parent: Path | None, path: Path, tree: Path, spec: SandboxSpec) -> None:
        """Make the environment beside `path` and rename it when it is complete."""
        partial = path.with_suffix(".partial")
        async with AsyncExitStack() as stack:
            # Also what a process that was killed has left.
            await _remove(partial)
            stack.push_async_callback(_remove, partial)
            partial.mkdir()
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hydra-prepare-")))
            begun, nothing = scratch / "begun", scratch / "nothing"
            begun.touch()
            nothing.mkdir()
            job = Job(
                command=("python3", "-I", f"{PACKAGE}/prepare.py", *plan.commands),
                # All repositories share the base environment, so none may have a hand in it.
                tree=tree if parent is not None else nothing,
                limits=Limits.for_setup(spec),
                env=dict(plan.env),
                environment=partial,
                inputs=parent,
                results=begun,
                setup=True,
            )
            execution = await self._sandbox.run(job)
            last = _last_line(begun)
            if execution.exit_status or execution.reason or last is not None:
                raise FatalError(_failure(last or "the copy of the base environment", parent, execution))
            partial.rename(path)


def _last_line(begun: Path) -> str | None:
    """The set-up line that began last; None when all have ended well."""
    lines = begun.read_bytes()[-100_000:].splitlines()
    try:
        last = json.loads(lines[-1])
    except (IndexError, ValueError, RecursionError):
        return ""
    return last if last is None or isinstance(last, str) else ""


def _failure(line: str, parent: Path | None, execution: Execution) -> str:
    how = execution.reason or f"exit status {execution.exit_status}"
    log = clean_output(execution.output).strip()[-_TAIL:]
    if parent is None:
        return (
            f"The base environment of the sandbox could not be made: `{clean_output(line)[:200]}` failed ({how}); "
            f"check that this machine reaches a Python package index. Its log ends: {log}"
        )
    return (
        f"The sandbox's set-up failed at `{clean_output(line)[:200]}` ({how}); correct the setting 'sandbox.setup', "
        f"the commands that install what the tests need. Its log ends: {log}"
    )


async def _remove(folder: Path) -> None:
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
