"""One run of a command in the sandbox, recorded by our pytest plugin wherever pytest runs."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath
from types import MappingProxyType
from typing import Any

from activities.sandbox import runner_output
from activities.sandbox.protocol import INSIDE_PACKAGE, RESULTS, WORK, Execution, Job, Limits, Sandbox, run_in
from activities.sandbox.sealed_records import read_records, start_results
from activities.sandbox.time_limits import get_test_timeout
from activities.sandbox.trial_commands import record_unittest, runs_one_session
from activities.sandbox.variables import NO_VARIABLES, Variables
from hydranet.contracts import SandboxSpec

# Our recorder, and stacks with the lines of the sources where a map of theirs lies beside what was compiled.
_NODE_OPTIONS = f"--require={INSIDE_PACKAGE}/node_recorder.cjs --enable-source-maps"
PLUGIN = f"{Path(INSIDE_PACKAGE).name}.plugin"

# The file of a frame in a traceback of pytest.
_FRAME = re.compile(r"^[^\s:]{1,400}\.py(?=:\d+: )", re.MULTILINE)


@dataclass(frozen=True)
class TestRunner:
    """A place to run tests: a sandbox, the tree of a checkpoint, its environment, its variables and the limits."""

    sandbox: Sandbox
    tree: Path
    environment: Path
    spec: SandboxSpec
    variables: Variables = NO_VARIABLES

    async def run(
        self,
        command: tuple[str, ...],
        *,
        plugin: Mapping[str, Any] | None = MappingProxyType({}),
        inputs: Mapping[str, str] = MappingProxyType({}),
        env: Mapping[str, str] = MappingProxyType({}),
        seconds: float | None = None,
        at_top: bool = False,
    ) -> tuple[list[dict[str, Any]], Execution]:
        """Run a command and return the records of its tests, and how it ended, with the values of variables masked.

        `plugin` are settings of the pytest plugin beside its defaults; None leaves the plugin out. `inputs` are the
        texts of files at /inputs, and `seconds` replaces the timeout of a test run. A command runs in the folder of the
        project, or `at_top` of the work tree. Raises TransientError when the
        sandbox cannot be started.
        """
        with tempfile.TemporaryDirectory(prefix="hydra-tests-") as folder:
            results, input_folder = _make_files(Path(folder), inputs)
            secret = start_results(results)
            execution = await self.sandbox.run(
                Job(
                    command=command if at_top else run_in(self.spec.folder, command),
                    tree=self.tree,
                    limits=Limits.for_tests(self.spec, seconds),
                    env={**self.variables.values, **self._plugin_variables(plugin), **env},
                    environment=self.environment,
                    inputs=input_folder,
                    results=results,
                )
            )
            records = await asyncio.to_thread(lambda: list(read_records(results, secret)))
            # Where our plugin recorded no test, another test runner may have printed its results.
            if plugin is not None and all(record.get("kind") in ("session", "finish") for record in records):
                records += await asyncio.to_thread(runner_output.parse_output, execution.stdout, execution.stderr)
            masked = await asyncio.to_thread(
                lambda: [self.variables.mask_record(self._name_from_top(record)) for record in records]
            )
            return masked, await asyncio.to_thread(self.variables.mask_execution, execution)

    def _plugin_variables(self, plugin: Mapping[str, Any] | None) -> dict[str, str]:
        if plugin is None:
            return self._name_root()
        settings = {
            "results": RESULTS,
            "test_seconds": get_test_timeout(self.spec),
            "hand_over": not runs_one_session(self.spec.test_command),
            **plugin,
        }
        node = {"results": RESULTS, "hand_over": settings["hand_over"]}
        plugins = ",".join(filter(None, (PLUGIN, self.variables.values.get("PYTEST_PLUGINS", ""))))
        return {"PYTEST_PLUGINS": plugins, "HYDRA_PLUGIN": json.dumps(settings), **self._name_root()} | {
            "NODE_OPTIONS": f"{self.variables.values.get('NODE_OPTIONS', '')} {_NODE_OPTIONS}".strip(),
            "HYDRA_NODE": json.dumps(node),
        }

    def _name_root(self) -> dict[str, str]:
        # Tests are named from the top of the repository, as its files are.
        given = self.variables.values.get("PYTEST_ADDOPTS", "")
        return {"PYTEST_ADDOPTS": f"{given} --rootdir={WORK}".strip()} if self.spec.folder else {}

    def _name_from_top(self, record: dict[str, Any]) -> dict[str, Any]:
        # The frames of pytest's tracebacks are named from the folder in which it runs.
        message = record.get("message")
        if not self.spec.folder or not isinstance(message, str):
            return record
        return {**record, "message": _FRAME.sub(lambda frame: self._locate(frame[0]), message)}

    def _locate(self, path: str) -> str:
        named = normpath(f"{self.spec.folder}/{path}")
        return named if not named.startswith("..") and (self.tree / named).is_file() else path


def _make_files(folder: Path, inputs: Mapping[str, str]) -> tuple[Path, Path]:
    results, input_folder = folder / "results", folder / "inputs"
    input_folder.mkdir()
    for name, text in inputs.items():
        (input_folder / name).write_text(text, encoding="utf-8", errors="surrogatepass")
    return results, input_folder


def make_shell_command(command: str) -> tuple[str, ...]:
    """Return the command that has a shell run a line."""
    return ("/bin/sh", "-c", command)


def make_test_command(command: str) -> tuple[str, ...]:
    """Return the command that has a shell run the tests, with our recorder where the line runs unittest itself."""
    return make_shell_command(record_unittest(command))
