"""Virtual environments: set up once per plan, kept in a cache, read-only for every test run."""

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
from activities.sandbox.protocol import INSIDE_PACKAGE, Execution, Job, Limits, Sandbox
from activities.sandbox.results import clean_output
from hydranet.contracts import SandboxSpec
from hydranet.errors import FatalError
from hydranet.text.formatting import join_words

# Characters of a failed setup's log in the error message: usually the installer's last words are there.
_LOG_END = 600


class EnvironmentCache:
    """The virtual environments below `cache`, one folder per key; several processes may share them."""

    def __init__(self, sandbox: Sandbox, cache: Path) -> None:
        self._sandbox = sandbox
        self._folder = cache / "environments"

    async def prepare(self, plan: InstallPlan, tree: Path, spec: SandboxSpec) -> Path:
        """Return the folder of the environment for `plan`; set it up when there is none.

        The commands run in the sandbox with the network on, in a copy of `tree`. Raises FatalError, with the
        command that failed and the end of its log.
        """
        path = self._folder / plan.key
        if path.exists():
            return path
        base = dependencies.plan_base(self._sandbox)
        parent = None if plan.key == base.key else await self.prepare(base, tree, spec)
        self._folder.mkdir(parents=True, exist_ok=True)
        async with AsyncFileLock(f"{path}.lock"):
            if not path.exists():
                await self._set_up(plan, parent, path, tree, spec)
        return path

    async def _set_up(self, plan: InstallPlan, parent: Path | None, path: Path, tree: Path, spec: SandboxSpec) -> None:
        # Renamed only when complete, so a folder at `path` is never half an environment.
        partial = path.with_suffix(".partial")
        async with AsyncExitStack() as stack:
            # A process that was killed may have left one.
            await _remove(partial)
            stack.push_async_callback(_remove, partial)
            partial.mkdir()
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hydra-prepare-")))
            begun, empty = scratch / "begun", scratch / "empty"
            begun.touch()
            empty.mkdir()
            job = Job(
                command=("python3", "-I", f"{INSIDE_PACKAGE}/prepare.py", *plan.commands),
                # All repositories share the base environment, so no code of any may run while it is set up.
                tree=tree if parent is not None else empty,
                limits=Limits.for_setup(spec),
                env=dict(plan.env),
                environment=partial,
                inputs=parent,
                results=begun,
                setup=True,
            )
            execution = await self._sandbox.run(job)
            last = _read_last_line(begun)
            if execution.exit_status or execution.reason or last is not None:
                raise FatalError(_explain_failure(last or "the copy of the base environment", parent, execution))
            partial.rename(path)


def _read_last_line(begun: Path) -> str | None:
    # The setup writes null after its last line; the file is hostile input as soon as a repository's code has run.
    lines = begun.read_bytes()[-100_000:].splitlines()
    try:
        last = json.loads(lines[-1])
    except (IndexError, ValueError, RecursionError):
        return ""
    return last if last is None or isinstance(last, str) else ""


def _explain_failure(line: str, parent: Path | None, execution: Execution) -> str:
    ending = execution.reason or f"exit status {execution.exit_status}"
    refused = _explain_refusal(execution.refused_hosts)
    log = clean_output(execution.output).strip()[-_LOG_END:]
    if parent is None:
        return (
            f"The base environment of the sandbox could not be made: `{clean_output(line)[:200]}` failed ({ending}); "
            f"check that this machine reaches a Python package index. {refused}Its log ends: {log}"
        )
    return (
        f"The sandbox's set-up failed at `{clean_output(line)[:200]}` ({ending}); correct the setting 'sandbox.setup', "
        f"the commands that install what the tests need. {refused}Its log ends: {log}"
    )


def _explain_refusal(hosts: tuple[str, ...]) -> str:
    if not hosts:
        return ""
    named = join_words([clean_output(host) for host in hosts])
    return (
        f"It asked for {named}, which is no package index that is configured here, and was refused: if what it needs "
        "is there, add that to the setting 'sandbox.package_hosts' of this node. "
    )


async def _remove(folder: Path) -> None:
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
