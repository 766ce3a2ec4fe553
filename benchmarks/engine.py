"""The repair engine on one instance of a suite, without Temporal: what a run does, step by step, in one process.

Used by the benchmarks beside this file; `hydra bench` is what runs the whole of HydraNet.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from activities.git.command import run_git
from activities.repair.backend import TemplatesBackend
from activities.retrieval.search_cache import Searches
from activities.sandbox.protocol import Sandbox
from hydra_cli.bench.instance_tests import PreparedRepository, passes_hidden, prepare
from hydra_cli.bench.suite import BugInstance, check_out
from hydranet.budget import Budget
from hydranet.contracts import (
    ArtifactRef,
    DeadBranch,
    StepRequest,
    StrategiesRequest,
    TestReport,
    Trial,
    TrialRequest,
    Work,
)
from hydranet.convergence import reaper, score
from hydranet.convergence.score import Attempt
from hydranet.errors import UsageError
from hydranet.run_settings import ConvergenceSettings
from hydranet.settings import SandboxSettings, Settings
from hydranet.strategy import Strategy

# Environments are kept between benchmarks: only the first needs a package index.
DATA = platformdirs.user_cache_path("hydranet-benchmarks")
STRATEGIES = 3


def load_settings() -> Settings:
    """Return the settings of a benchmark: the defaults, what HYDRA_* say, and bubblewrap."""
    return Settings(data_dir=DATA, sandbox=SandboxSettings(backend="bubblewrap"))


@dataclass
class Outcome:
    """What became of a bug: seconds by step, what was spent, and the trial that passed."""

    seconds: dict[str, float] = field(default_factory=dict)
    branches: int = 0
    attempts: int = 0
    reaped: int = 0
    tried: int = 0
    passed: Trial | None = None
    strategy: str = ""

    @property
    def total(self) -> float:
        """The seconds of all steps."""
        return sum(self.seconds.values())

    def describe(self) -> dict[str, Any]:
        """Return a row for a file of results."""
        return {
            "fixed": self.passed is not None,
            "branches": self.branches,
            "attempts": self.attempts,
            "reaped": self.reaped,
            "tried": self.tried,
            "seconds": {step: round(seconds, 1) for step, seconds in self.seconds.items()},
            "strategy": self.strategy,
            "change": self.passed.title if self.passed else "",
        }


@dataclass
class Engine:
    """A run on one instance whose tests have failed at the base: what it found out before its first strategy."""

    instance: BugInstance
    repository: Path
    prepared: PreparedRepository
    backend: TemplatesBackend
    baseline: TestReport
    work: Work
    outcome: Outcome

    async def repair(self, budget: Budget, settings: ConvergenceSettings | None = None) -> Outcome:
        """Pursue strategies as a run does, until one passes or the budget is spent."""
        dead: list[DeadBranch] = []
        while len(dead) < budget.branches:
            clock = self._clock()
            request = StrategiesRequest(work=self.work, round=1, count=STRATEGIES, dead=tuple(dead))
            answer = await self.backend.strategies(request)
            clock("strategies")
            if not answer.strategies:
                break
            for strategy in answer.strategies[: budget.branches - len(dead)]:
                self.outcome.branches += 1
                if await self._branch(strategy, budget.attempts_per_branch, settings):
                    self.outcome.strategy = strategy.title
                    return self.outcome
                dead.append(DeadBranch(number=len(dead) + 1, strategy=strategy))
        return self.outcome

    async def trial(self, candidates: ArtifactRef) -> Trial:
        """Try candidates on the base as an attempt does."""
        assert self.baseline.results is not None
        prepared = self.prepared
        return await prepared.sandbox.try_candidates(
            TrialRequest(
                snapshot=prepared.snapshot,
                parent=prepared.base,
                environment=prepared.environment,
                spec=prepared.spec,
                baseline=self.baseline.results,
                candidates=candidates,
            )
        )

    async def passes_hidden(self) -> bool | None:
        """Return whether the fix passes the hidden tests; None where there is no fix or no such test."""
        trial = self.outcome.passed
        if trial is None or trial.diff is None:
            return None
        diff = await self.prepared.artifacts.get(trial.diff)
        commit = await asyncio.to_thread(_commit, self.repository, diff)
        return await passes_hidden(self.instance, self.repository, commit, load_settings())

    async def _branch(self, strategy: Strategy, attempts: int, settings: ConvergenceSettings | None) -> bool:
        facts: list[Attempt] = []
        outcome, tried = self.outcome, 0
        for number in range(1, attempts + 1):
            clock = self._clock()
            step = StepRequest(work=self.work, branch=outcome.branches, attempt=number, strategy=strategy, tried=tried)
            answer = await self.backend.implement(step)
            clock("implement")
            if answer.candidates is None:
                return False
            trial = await self.trial(answer.candidates)
            clock("trials")
            outcome.attempts += 1
            outcome.tried += trial.tried
            tried += answer.count - trial.left
            if trial.report.passed:
                outcome.passed = trial
                return True
            report = trial.report
            facts.append(
                Attempt(
                    patch=trial.patch,
                    error=report.error,
                    failing_tests=report.failing,
                    failing_count=report.failing_count,
                )
            )
            if settings is not None and reaper.judge(facts, score.score_attempt(facts, settings), settings):
                outcome.reaped += 1
                return False
            if answer.exhausted and not trial.left:
                return False
        return False

    def _clock(self) -> "Clock":
        return Clock(self.outcome.seconds)


@asynccontextmanager
async def survey(instance: BugInstance, sandbox: Sandbox | None = None) -> AsyncIterator[Engine]:
    """Find out what a run does before its first strategy, in `sandbox`, by default bubblewrap."""
    outcome = Outcome()
    clock = Clock(outcome.seconds)
    with tempfile.TemporaryDirectory(prefix="hydra-bench-") as folder:
        repository = (await asyncio.to_thread(check_out, instance, Path(folder) / "repository")).path
        async with prepare(repository, instance.merge_settings(load_settings()), sandbox) as prepared:
            clock("prepare")
            baseline = await prepared.run_tests()
            clock("baseline")
            work = await _localise(instance, repository, prepared, baseline, clock)
            backend = TemplatesBackend(prepared.artifacts, prepared.objects)
            yield Engine(instance, repository, prepared, backend, baseline, work, outcome)


async def _localise(
    instance: BugInstance, repository: Path, prepared: PreparedRepository, baseline: TestReport, clock: "Clock"
) -> Work:
    if baseline.results is None:
        raise UsageError(f"The tests of {instance.id} cannot be run one by one: {baseline.reason}")
    spectrum = await prepared.measure_coverage(baseline.results)
    clock("coverage")
    work = await prepared.retrieve(instance.id, repository, instance.issue, baseline.results, spectrum, Searches())
    clock("retrieval")
    return work


class Clock:
    """Adds the time since it was last asked to a step's seconds."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._began = time.monotonic()

    def __call__(self, step: str) -> None:
        now = time.monotonic()
        self._seconds[step] = self._seconds.get(step, 0.0) + now - self._began
        self._began = now


def _commit(repository: Path, diff: bytes) -> str:
    """Commit a diff; the commit's name."""
    run_git(repository, "apply", "--whitespace=nowarn", "-", stdin=diff)
    run_git(repository, "add", "--all", "--force")
    run_git(repository, "commit", "--quiet", "--message", "The fix")
    return run_git(repository, "rev-parse", "HEAD").decode().strip()
