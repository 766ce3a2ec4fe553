"""One run of a test command in the sandbox, recorded by our pytest plugin wherever pytest runs."""

from __future__ import annotations

import asyncio
import json
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from activities.sandbox import runner_output
from activities.sandbox.protocol import PACKAGE, RESULTS, WORK, Execution, Job, Limits, Sandbox
from activities.sandbox.results import parse_records
from hydranet.contracts import SandboxSpec, TestResult

PLUGIN = f"{Path(PACKAGE).name}.plugin"

# One hanging test may not use up the time of all the others.
TEST_SHARE = 5
TEST_LIMIT = 60.0

# What makes a shell do more than split words, and what does so only outside of quotes.
_EXPANDED = set("$`\n")
_SHELL = set("|&;<>()*?")


def estimate_seconds(spec: SandboxSpec) -> float:
    """How long one test may take: a fifth of the time for all, at most a minute."""
    return min(TEST_LIMIT, spec.test_timeout / TEST_SHARE)


@dataclass(frozen=True)
class TestBench:
    """Where tests run: a sandbox, the tree of a checkpoint, the environment prepared for it, the limits."""

    sandbox: Sandbox
    tree: Path
    environment: Path
    spec: SandboxSpec

    async def run(
        self,
        command: tuple[str, ...],
        *,
        plugin: Mapping[str, Any] | None = MappingProxyType({}),
        inputs: Mapping[str, str] = MappingProxyType({}),
        env: Mapping[str, str] = MappingProxyType({}),
        seconds: float | None = None,
    ) -> tuple[list[dict[str, Any]], Execution]:
        """Run a command with these files at /inputs; the lines it recorded, and how it ended.

        `plugin` are settings of the pytest plugin beside its defaults; None leaves the plugin out.
        """
        with tempfile.TemporaryDirectory(prefix="hydra-tests-") as folder:
            results, given = _lay_out(Path(folder), inputs)
            execution = await self.sandbox.run(
                Job(
                    command=command,
                    tree=self.tree,
                    limits=Limits.for_tests(self.spec, seconds),
                    env={**self.spec.env, **self._plugin(plugin), **env},
                    environment=self.environment,
                    inputs=given,
                    results=results,
                )
            )
            lines = await asyncio.to_thread(lambda: list(parse_records(results)))
            # Where no pytest of ours ran, other runners may have printed what we know to read.
            if not lines and plugin is not None:
                lines = await asyncio.to_thread(runner_output.parse_output, execution.output)
            return lines, execution

    def _plugin(self, plugin: Mapping[str, Any] | None) -> dict[str, str]:
        if plugin is None:
            return {}
        settings = {"results": RESULTS, "test_seconds": estimate_seconds(self.spec), **plugin}
        plugins = ",".join(filter(None, (PLUGIN, self.spec.env.get("PYTEST_PLUGINS", ""))))
        return {"PYTEST_PLUGINS": plugins, "HYDRA_PLUGIN": json.dumps(settings)}


def _lay_out(folder: Path, inputs: Mapping[str, str]) -> tuple[Path, Path]:
    """An empty file for results and a folder with the inputs."""
    results, given = folder / "results", folder / "inputs"
    results.touch()
    given.mkdir()
    for name, text in inputs.items():
        (given / name).write_text(text, encoding="utf-8", errors="surrogatepass")
    return results, given


def make_shell_command(command: str) -> tuple[str, ...]:
    """A line of the user's as a command."""
    return ("/bin/sh", "-c", command)


@dataclass(frozen=True)
class PytestCommand:
    """A test command that is nothing but a call of pytest, taken apart.

    `path` is what the call puts in front of sys.path, `env` the assignments before it.
    """

    arguments: tuple[str, ...]
    path: tuple[str, ...]
    env: Mapping[str, str]


def parse_pytest_command(command: str) -> PytestCommand | None:
    """`[NAME=VALUE]... pytest|python -m pytest ARGUMENTS`, taken apart; None for anything a shell has to read."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if _EXPANDED.intersection(command) or any(map(_is_special, shlex.split(command, posix=False))):
        return None
    env: dict[str, str] = {}
    while words and "=" in words[0] and words[0].partition("=")[0].isidentifier():
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    if words[:1] in (["pytest"], ["py.test"]):
        return PytestCommand(tuple(words[1:]), (), env)
    if words[:1] in (["python"], ["python3"]) and words[1:3] == ["-m", "pytest"]:
        return PytestCommand(tuple(words[3:]), (WORK,), env)
    return None


def _is_special(word: str) -> bool:
    quoted = "'" in word or '"' in word
    return word.startswith(("~", "#")) or (not quoted and bool(_SHELL.intersection(word)))


def find_slowest(tests: tuple[TestResult, ...]) -> float:
    """The time of the slowest test that passed, in seconds."""
    return max((test.seconds for test in tests if test.outcome == "passed"), default=0.0)
