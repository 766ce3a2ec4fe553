"""The repair engine on one instance of a suite, without Temporal: what a run does, step by step, in one process.

Used by the benchmarks beside this file; `hydra bench` is what runs the whole of HydraNet.
"""

import asyncio
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from activities.artifacts.store import FolderArtifacts
from activities.checkpoints.activities import RepositoryActivities
from activities.git.objects import GitObjects
from activities.repair.backend import MODEL, TemplatesBackend
from activities.retrieval.activities import RetrievalActivities
from activities.retrieval.search_cache import Searches
from activities.sandbox.activities import SandboxActivities
from activities.sandbox.bubblewrap import Bubblewrap
from activities.sandbox.protocol import Sandbox
from hydra_cli.bench.hidden_tests import passes_hidden
from hydranet.budget import Budget
from hydranet.contracts import (
    ArtifactRef,
    Checkpoint,
    CoverageRequest,
    DeadBranch,
    PrepareRequest,
    RetrieveRequest,
    SandboxSpec,
    SnapshotRequest,
    StepRequest,
    StrategiesRequest,
    TestReport,
    TestRequest,
    Trial,
    TrialRequest,
    Work,
)
from hydranet.convergence import reaper, score
from hydranet.convergence.score import Attempt, ConvergenceSettings
from hydranet.settings import Settings
from hydranet.strategy import Strategy

# Environments are kept between benchmarks: only the first needs a package index.
DATA = platformdirs.user_cache_path("hydranet-benchmarks")
CACHE = DATA / "cache"
STRATEGIES = 3


@dataclass(frozen=True)
class Bug:
    """An instance of a suite: its folder and what its `instance.json` says."""

    folder: Path
    described: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.described["id"])

    @property
    def spec(self) -> SandboxSpec:
        told = self.described
        return SandboxSpec(
            setup=tuple(told.get("setup", ())),
            env=told.get("env", {}),
            test_command=told.get("test_command", "python -m pytest -q"),
            test_timeout=told.get("test_timeout_s", 300.0),
        )


def bugs(suite: Path, only: list[str]) -> list[Bug]:
    """The instances of a suite, or some of them, in the suite's order."""
    names = json.loads((suite / "suite.json").read_text())["instances"]
    chosen = [name for name in names if not only or name in only]
    return [Bug(suite / name, json.loads((suite / name / "instance.json").read_text())) for name in chosen]


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
        return sum(self.seconds.values())


class Engine:
    """The parts of a run on one bug, by default in bubblewrap; `folder` takes what it makes."""

    def __init__(self, bug: Bug, folder: Path, sandbox: Sandbox | None = None) -> None:
        self.bug = bug
        self.artifacts = FolderArtifacts(folder / "artifacts")
        self.objects = GitObjects(folder / "nodes", self.artifacts)
        self.sandbox = SandboxActivities(sandbox or Bubblewrap(), self.artifacts, self.objects, CACHE)
        self.backend = TemplatesBackend(self.artifacts, self.objects)
        self.outcome = Outcome()
        self._folder = folder
        self.baseline: TestReport
        self.work: Work

    async def survey(self) -> None:
        """What a run finds out before its first strategy."""
        clock, bug = self._clock(), self.bug
        repository = commit(bug.folder / "repo", self._folder / "repository")
        self.snapshot = await RepositoryActivities(self.artifacts).snapshot_repository(
            SnapshotRequest(repository_path=str(repository), limit_mb=500)
        )
        self.base = Checkpoint(commit=self.snapshot.commit)
        clock("snapshot")
        self.environment = await self.sandbox.prepare_environment(PrepareRequest(snapshot=self.snapshot, spec=bug.spec))
        clock("prepare")
        shared = {"snapshot": self.snapshot, "environment": self.environment, "spec": bug.spec}
        self.baseline = await self.sandbox.run_tests(TestRequest(checkpoint=self.base, **shared))
        assert self.baseline.results is not None
        clock("baseline")
        spectrum = await self.sandbox.measure_coverage(
            CoverageRequest(checkpoint=self.base, baseline=self.baseline.results, **shared)
        )
        clock("coverage")
        retrieval = await RetrievalActivities(self.artifacts, self.objects, Searches()).retrieve(
            RetrieveRequest(
                snapshot=self.snapshot,
                checkpoint=self.base,
                repository_path=str(repository),
                issue=bug.described["issue"],
                results=self.baseline.results,
            )
        )
        clock("retrieval")
        self.work = Work(
            run_id=bug.id,
            model=MODEL,
            snapshot=self.snapshot,
            checkpoint=self.base,
            context=retrieval.context,
            spectrum=spectrum,
        )

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
        return await self.sandbox.try_candidates(
            TrialRequest(
                snapshot=self.snapshot,
                parent=self.base,
                environment=self.environment,
                spec=self.bug.spec,
                baseline=self.baseline.results,
                candidates=candidates,
            )
        )

    async def hidden(self) -> bool | None:
        """Whether the fix passes the hidden tests; None where there is no fix or no such test."""
        trial, repository = self.outcome.passed, self._folder / "repository"
        if trial is None or trial.diff is None:
            return None
        diff = await self.artifacts.get(trial.diff)
        commit = await asyncio.to_thread(_apply, repository, diff)
        return await passes_hidden(self.bug.folder.resolve(), repository, commit, Settings(data_dir=DATA))

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


class Clock:
    """Adds the time since it was last asked to a step's seconds."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._began = time.monotonic()

    def __call__(self, step: str) -> None:
        now = time.monotonic()
        self._seconds[step] = self._seconds.get(step, 0.0) + now - self._began
        self._began = now


def commit(source: Path, target: Path) -> Path:
    """A one-commit repository with the files of `source`."""
    shutil.copytree(source, target, symlinks=True)
    for arguments in (("init", "--quiet"), ("add", "--all", "--force"), ("commit", "--quiet", "-m", "The bug")):
        _git(target, *arguments)
    return target


def _apply(repository: Path, diff: bytes) -> str:
    """Commit a diff; the commit's name."""
    subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=repository, input=diff, check=True)
    _git(repository, "commit", "--quiet", "--all", "-m", "The fix")
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=repository, text=True).strip()


def _git(folder: Path, *arguments: str) -> None:
    identity = {"GIT_AUTHOR_NAME": "bench", "GIT_AUTHOR_EMAIL": "bench@localhost"}
    identity |= {"GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@localhost"}
    subprocess.run(["git", *arguments], cwd=folder, check=True, env={**os.environ, **identity})
