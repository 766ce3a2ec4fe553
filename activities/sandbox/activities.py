"""Activities on a sandbox node: prepare an environment, run tests, measure coverage, look around, try candidates."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import translate_errors
from hydranet.contracts import (
    ArtifactRef,
    Candidates,
    Checkpoint,
    CoverageRequest,
    Environment,
    Findings,
    InvestigateRequest,
    Investigation,
    PrepareRequest,
    SandboxSpec,
    Snapshot,
    TestReport,
    TestRequest,
    TestResults,
    Trial,
    TrialRequest,
)
from hydranet.policy import constitution

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.git.objects import GitObjects
    from activities.sandbox.dependencies import InstallPlan
    from activities.sandbox.protocol import Sandbox
    from activities.sandbox.test_run import TestBench
    from hydranet.policy.constitution import Constitution


class SandboxActivities:
    """What is run of a repository or a model, always in `sandbox`; environments are kept below `cache`.

    `rules`, by default those that are shipped, are the constitution for a model's patches and commands.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        artifacts: ArtifactStore,
        objects: GitObjects,
        cache: Path,
        rules: Constitution | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._rules = rules or constitution.load_rules()
        self._artifacts = artifacts
        self._objects = objects
        self._cache = cache

    @activity.defn
    @translate_errors
    async def prepare_environment(self, request: PrepareRequest) -> Environment:
        """Make the environment in which the repository's tests run offline, unless this node has it."""
        plan, _ = await self._environment(request.snapshot, request.spec)
        return Environment(key=plan.key, note=plan.note)

    @activity.defn
    @translate_errors
    async def run_tests(self, request: TestRequest) -> TestReport:
        """Run the whole test command on a clean checkout.

        With `flaky_reruns` a run that fails is repeated, and of each test the majority counts.
        At the base commit a command that does not exist is an error of the set-up, not a failing test.
        """
        from activities.artifacts.store import put_model
        from activities.sandbox.flaky import settle_flaky, with_flaky
        from activities.sandbox.results import NOT_FOUND, RecordedTests, build_report, build_results, is_failing
        from activities.sandbox.test_run import make_shell_command
        from hydranet.errors import FatalError

        spec = request.spec
        bench = await self._bench(request.snapshot, request.checkpoint, spec)
        lines, execution = await bench.run(make_shell_command(spec.test_command))
        if execution.exit_status == NOT_FOUND and not lines and request.checkpoint.bundle is None:
            raise FatalError(
                f"The test command `{spec.test_command}` was not found in the sandbox: correct it, or install "
                f"what it needs with 'sandbox.setup'. It said: {execution.output.strip()[-300:]}"
            )
        recorded = RecordedTests.of(lines)
        runs = [build_results(recorded, execution, spec.test_command)]
        if any(map(is_failing, runs[0].tests)):
            for _ in range(spec.flaky_reruns):
                again, ended = await bench.run(make_shell_command(spec.test_command))
                runs.append(build_results(RecordedTests.of(again), ended, spec.test_command))
        found, undecided = settle_flaky(runs)
        told = with_flaky(build_report(found, recorded, execution), undecided, len(runs))
        return told.model_copy(update={"results": await put_model(self._artifacts, found)})

    @activity.defn
    @translate_errors
    async def measure_coverage(self, request: CoverageRequest) -> ArtifactRef:
        """Find out which lines each test executes; returns a `Spectrum`."""
        from activities.artifacts.store import get_model, put_model
        from activities.sandbox.spectrum import build_spectrum

        baseline = await get_model(self._artifacts, request.baseline, TestResults)
        bench = await self._bench(request.snapshot, request.checkpoint, request.spec)
        files = await self._objects.files(request.snapshot, request.checkpoint)
        return await put_model(self._artifacts, await build_spectrum(bench, baseline, files))

    @activity.defn
    @translate_errors
    async def investigate(self, request: InvestigateRequest) -> Investigation:
        """Run what a plan asks to see, one after another; what the guard refuses is recorded with its reason."""
        from activities.artifacts.store import put_model
        from activities.sandbox.investigation import run_investigation

        bench = await self._bench(request.snapshot, request.checkpoint, request.spec)
        looks = [await run_investigation(bench, asked, self._rules, request.checkpoint) for asked in request.asked]
        return Investigation(
            commands=tuple(command for command, _ in looks),
            findings=await put_model(self._artifacts, Findings(findings=tuple(finding for _, finding in looks))),
        )

    @activity.defn
    @translate_errors
    async def try_candidates(self, request: TrialRequest) -> Trial:
        """Try candidates and return the best: one that passes all tests, else the one with fewest failing."""
        from activities.artifacts.store import get_model, put_model
        from activities.git.trees import read_blob
        from activities.sandbox.candidates import (
            Protection,
            TargetTests,
            choose_best,
            make_title,
            parse_changes,
            try_all,
        )
        from hydranet import patches

        baseline = await get_model(self._artifacts, request.baseline, TestResults)
        candidates = (await get_model(self._artifacts, request.candidates, Candidates)).candidates
        repository = await self._objects.fetch(request.snapshot, request.parent)
        paths = await self._objects.files(request.snapshot, request.parent)
        read = functools.cache(functools.partial(read_blob, repository, request.parent.commit))
        target = TargetTests.of(baseline)
        protection = await asyncio.to_thread(Protection, target, paths, read, self._rules)
        usable, refused = await asyncio.to_thread(parse_changes, candidates, protection, read)
        if not usable:
            reason = next(iter(refused.values()), "There is no candidate.")
            if len(refused) > 1:
                reason = f"All {len(refused)} candidates were refused, the first because: {reason}"
            return Trial(index=-1, report=TestReport(passed=False, reason=reason), refused=reason)
        bench = await self._bench(request.snapshot, request.parent, request.spec)
        tried = await try_all(bench, target, usable)
        winner = choose_best(tried, candidates)
        chosen = candidates[winner.index]
        ran = len({one.index for one in tried})
        return Trial(
            index=winner.index,
            title=make_title(winner, tried, candidates),
            patch=patches.parse_diff(chosen.diff),
            diff=await self._artifacts.put(chosen.diff.encode(), "text/x-diff"),
            report=winner.report.model_copy(update={"results": await put_model(self._artifacts, winner.tests)}),
            tried=ran,
            passing=sum(not one.failing for one in tried),
            left=len(usable) - ran,
            refused=f"{len(refused)} were refused" if refused else "",
        )

    async def _bench(self, snapshot: Snapshot, checkpoint: Checkpoint, spec: SandboxSpec) -> TestBench:
        """Where the tests of a checkpoint run; its environment is made again where another node made it."""
        from activities.sandbox.test_run import TestBench

        _, environment = await self._environment(snapshot, spec)
        tree = await self._objects.checkout(snapshot, checkpoint)
        return TestBench(self._sandbox, tree, environment, spec)

    async def _environment(self, snapshot: Snapshot, spec: SandboxSpec) -> tuple[InstallPlan, Path]:
        from activities.sandbox import dependencies
        from activities.sandbox.environments import Environments

        base = Checkpoint(commit=snapshot.commit)
        paths = await self._objects.files(snapshot, base)
        declared = {
            path: text
            for path in dependencies.list_declaring_files(paths, spec)
            if (text := await self._objects.read(snapshot, base, path)) is not None
        }
        plan = dependencies.plan_install(self._sandbox, spec, declared, any(path.startswith("src/") for path in paths))
        tree = await self._objects.checkout(snapshot, base)
        return plan, await Environments(self._sandbox, self._cache).prepare(plan, tree, spec)
