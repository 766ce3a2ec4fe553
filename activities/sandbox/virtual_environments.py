"""Virtual environments: set up once per plan, kept in a cache, read-only for every test run."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from filelock import AsyncFileLock

from activities.cache_use import mark_used
from activities.sandbox import disk_usage
from activities.sandbox.dependencies import InstallPlan
from activities.sandbox.protocol import INSIDE_PACKAGE, Execution, Job, Limits, Sandbox, locate_generated, run_in
from activities.sandbox.results import clean_output
from activities.sandbox.setup_causes import cut_log, find_cause
from hydranet.contracts import SandboxSpec
from hydranet.errors import FatalError
from hydranet.text.formatting import join_words
from hydranet.text.truncation import keep_start

# Characters of the line that failed.
_LINE = 200
# What to do where the cause is not known.
_CORRECT = "correct the setting 'sandbox.setup', the commands that install what the tests need"
_REACH = "check that this machine reaches a Python package index"
# Bytes at the end of the record of its lines; a setup can make that as large as any file.
_RECORD_END = 100_000
# An environment below the folder of its key, and beside it what its setup generated in the work tree.
_ENVIRONMENT = "env"


class EnvironmentCache:
    """The virtual environments below `cache`, one folder per key; several processes may share them."""

    def __init__(self, sandbox: Sandbox, cache: Path) -> None:
        self._sandbox = sandbox
        self._folder = cache / "environments"

    async def prepare(self, plan: InstallPlan, tree: Path, spec: SandboxSpec) -> Path:
        """Return the folder of the environment for `plan`; set it up when there is none.

        The commands run in the sandbox, with a way to the package indexes, in a copy of what the plan lets them see of
        `tree`. Raises FatalError, with the command that failed and the end of its log.
        """
        path = self._folder / plan.key
        if not path.exists():
            parent = await self.prepare(plan.parent, tree, spec) if plan.parent else None
            self._folder.mkdir(parents=True, exist_ok=True)
            async with AsyncFileLock(f"{path}.lock"):
                if not path.exists():
                    await self._set_up(plan, parent, path, tree, spec)
        mark_used(path)
        return path / _ENVIRONMENT

    async def _set_up(self, plan: InstallPlan, parent: Path | None, path: Path, tree: Path, spec: SandboxSpec) -> None:
        # Renamed only when complete, so a folder at `path` is never half an environment.
        partial = path.with_suffix(".partial")
        async with AsyncExitStack() as stack:
            # A process that was killed may have left one.
            await _remove(partial)
            stack.push_async_callback(_remove, partial)
            environment = partial / _ENVIRONMENT
            # Without a setgid bit of the folder above, which no sandbox may copy.
            for folder in (partial, environment, locate_generated(environment)):
                folder.mkdir()
                folder.chmod(0o755)
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hydra-prepare-")))
            begun = scratch / "begun"
            begun.touch()
            command = ("python3", "-I", f"{INSIDE_PACKAGE}/prepare.py", *plan.commands)
            job = Job(
                command=run_in(spec.folder if plan.files is None else "", command),
                # What repositories share is made without anything else of one.
                tree=tree if plan.files is None else _write_files(scratch / "tree", plan.files),
                limits=Limits.for_setup(spec),
                env=plan.variables.values,
                environment=environment,
                inputs=parent,
                results=begun,
                setup=True,
            )
            execution = plan.variables.mask_execution(await self._run_watched(job, spec.environment_mb))
            last = plan.variables.mask_record(_read_last_line(begun))
            if execution.exit_status or execution.reason or last is not None:
                raise FatalError(_explain_failure(last or "the copy of the base environment", parent, execution))
            partial.rename(path)

    async def _run_watched(self, job: Job, limit_mb: int) -> Execution:
        assert job.environment is not None
        watching = asyncio.ensure_future(
            disk_usage.watch((job.environment, locate_generated(job.environment)), limit_mb)
        )
        running = asyncio.ensure_future(self._sandbox.run(job))
        try:
            await asyncio.wait((running, watching), return_when=asyncio.FIRST_COMPLETED)
            return await running if running.done() else Execution(exit_status=137, output="", reason=await watching)
        finally:
            # Either way nothing of the setup runs any more when this returns.
            for task in (running, watching):
                task.cancel()
            await asyncio.gather(running, watching, return_exceptions=True)


def _write_files(folder: Path, files: Iterable[tuple[str, str]]) -> Path:
    folder.mkdir()
    for name, text in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
    return folder


def _read_last_line(begun: Path) -> str | None:
    # The setup writes null after its last line; the file is hostile input as soon as a repository's code has run.
    with begun.open("rb") as file:
        file.seek(max(0, begun.stat().st_size - _RECORD_END))
        lines = file.read(_RECORD_END).splitlines()
    try:
        last = json.loads(lines[-1])
    except (IndexError, ValueError, RecursionError):
        return ""
    return last if last is None or isinstance(last, str) else ""


def _explain_failure(line: str, parent: Path | None, execution: Execution) -> str:
    ending = execution.reason or f"exit status {execution.exit_status}"
    what, remedy = "The sandbox's set-up failed", _CORRECT
    if parent is None:
        what, remedy = "The base environment of the sandbox could not be made: it failed", _REACH
    cause = find_cause(execution)
    why = f"{cause.sentence}; {cause.remedy}" if cause else remedy
    refused = _explain_refusal(execution.refused_hosts)
    command = keep_start(clean_output(line), _LINE)
    return f"{what} at `{command}` ({ending}): {why}. {refused}Its log ends:\n{cut_log(execution)}"


def _explain_refusal(hosts: tuple[str, ...]) -> str:
    if not hosts:
        return ""
    named = join_words([clean_output(host) for host in hosts])
    return (
        f"It asked for {named}, which is no package index that is configured here, and was refused: if what it needs "
        "is there, add that to the setting 'sandbox.package_hosts' of this node. "
    )


async def _remove(folder: Path) -> None:
    await asyncio.to_thread(_delete, folder)


def _delete(folder: Path) -> None:
    if not folder.exists():
        return
    # By programs, which do not give up on folders that are deep or that their owner may not read.
    for words in (("chmod", "-R", "u+rwX"), ("rm", "-rf")):
        subprocess.run([*words, "--", str(folder)], capture_output=True)
