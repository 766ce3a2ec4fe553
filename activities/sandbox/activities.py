"""Activities on a sandbox node: prepare environments, run tests, measure coverage, investigate, try candidates."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from temporalio import activity

from activities.errors import translate_errors
from activities.sandbox.node_limits import NodeLimits
from hydranet.contracts import (
    ArtifactRef,
    Checkpoint,
    CoverageRequest,
    Environment,
    Findings,
    FormatRequest,
    Formatting,
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
    from activities.artifacts.variables import VariableStore
    from activities.git.objects import GitObjects
    from activities.sandbox.dependencies import InstallPlan
    from activities.sandbox.judgement import TargetTests
    from activities.sandbox.protocol import Sandbox
    from activities.sandbox.second_run import SecondRun
    from activities.sandbox.test_run import TestRunner
    from activities.sandbox.variables import Variables
    from hydranet.policy.constitution import Constitution


_logger = logging.getLogger(__name__)
_Request = TypeVar("_Request", PrepareRequest, TestRequest, CoverageRequest, InvestigateRequest, TrialRequest)

# Second runs that a worker remembers: about as many runs are under way at once.
SECOND_RUNS = 32


class SandboxActivities:
    """Activities that run a repository's code, or a model's, always in `sandbox`.

    Environments are kept below `cache`, and `variables` has the values of `sandbox.env`. `rules`, by default the
    shipped ones, are the constitution for a model's patches and commands. The node called `host` alone polls `queue`,
    and gives no run more than its `limits`.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        artifacts: ArtifactStore,
        objects: GitObjects,
        cache: Path,
        variables: VariableStore,
        rules: Constitution | None = None,
        *,
        queue: str = "",
        host: str = "",
        limits: NodeLimits | None = None,
    ) -> None:
        self._limits = limits or NodeLimits()
        self._queue = queue
        self._host = host
        self._sandbox = sandbox
        self._rules = rules or constitution.load_rules()
        self._artifacts = artifacts
        self._objects = objects
        self._cache = cache
        self._variables = variables
        # By the results of the first run at that commit. What another worker knows is found out again.
        self._second_runs: dict[str, SecondRun] = {}

    @activity.defn
    @translate_errors
    async def prepare_environment(self, request: PrepareRequest) -> Environment:
        """Set up the virtual environment in which the tests run offline, unless this node has it."""
        from activities.git.placeholders import describe_placeholders
        from activities.git.trees import read_blob
        from activities.sandbox.formatters import list_formatters
        from activities.sandbox.trial_commands import explain_separate_trials
        from hydranet.errors import FatalError

        if limited := self._limits.describe(request.spec, self._host):
            _logger.info("A run is %s.", limited)
        request = self._limit(request)
        base = Checkpoint(commit=request.snapshot.commit)
        trees = await self._objects.list_trees(request.snapshot, base)
        lacks = await asyncio.to_thread(describe_placeholders, trees)
        variables = await self._read_variables(request.spec)
        try:
            plan, environment = await self._environment(request.snapshot, request.spec, variables)
        except FatalError as error:
            raise FatalError(f"{error} The sandbox is {lacks}." if lacks else str(error)) from None
        separate = explain_separate_trials(request.spec.test_command, environment)
        trials = f"a process per candidate, since {separate}" if separate else ""
        # In front of what may be long.
        name, _, note = plan.note.partition("; ")
        note = "; ".join(filter(None, (name, limited, lacks, trials, note)))
        read = functools.partial(read_blob, trees[0].repository, base.commit)
        own = await asyncio.to_thread(list_formatters, trees[0].listing.files, read, environment, request.spec.folder)
        return Environment(key=plan.key, note=note, lacks=lacks, queue=self._queue, host=self._host, formatters=own)

    @activity.defn
    @translate_errors
    async def run_tests(self, request: TestRequest) -> TestReport:
        """Run the whole test command on a clean checkout.

        With `flaky_reruns` a run that fails is repeated, and the majority of the runs decides about each test.
        At the base commit a command that does not exist is an error of the set-up, not a failing test.
        """
        from activities.artifacts.store import get_model, put_model
        from activities.sandbox.command_offers import NO_TESTS
        from activities.sandbox.judgement import TargetTests, judge_run
        from activities.sandbox.results import NOT_FOUND, RecordedTests, build_report, report_flaky, settle_flaky
        from activities.sandbox.setup_causes import NODE_REMEDY
        from activities.sandbox.test_run import make_test_command
        from hydranet.errors import FatalError

        request = self._limit(request)
        spec = request.spec
        runner = await self._runner(request.snapshot, request.checkpoint, spec)
        records, execution = await runner.run(make_test_command(spec.test_command))
        if execution.exit_status == NOT_FOUND and not records and request.baseline is None:
            remedy = "correct it, or install what it needs with 'sandbox.setup'"
            if re.search(r"\b(?:node|npm|npx)\b.*not found", execution.output):
                remedy = NODE_REMEDY
            raise FatalError(
                f"The test command `{spec.test_command}` was not found in the sandbox: {remedy}. "
                f"It said: {execution.output.strip()[-300:]}"
            )
        target = TargetTests.failing_at(
            await get_model(self._artifacts, request.baseline, TestResults) if request.baseline else TestResults()
        )
        recorded = RecordedTests.of(records)
        first = judge_run(0, recorded, execution, target, spec.test_command)
        if request.baseline is not None and first.fails_nothing:
            target = await self._run_base_again(target, request.baseline, request.snapshot, spec)
            first = judge_run(0, recorded, execution, target, spec.test_command)
        runs = [first.results]
        if not first.report.passed:
            for _ in range(spec.flaky_reruns):
                records, ending = await runner.run(make_test_command(spec.test_command))
                again = judge_run(0, RecordedTests.of(records), ending, target, spec.test_command)
                runs.append(again.results)
        results, flaky = settle_flaky(runs)
        if request.baseline is None and any(test.is_failing for test in results.tests):
            results = await self._tell_environment_failures(request, results, runner.environment)
        results = results.model_copy(update={"checkpoint": request.checkpoint})
        report = build_report(results, recorded, execution, first.distrust, first.report.notes)
        report = report_flaky(report, flaky, len(runs))
        is_runner = re.search(r"py\.?test|unittest", spec.test_command) is not None
        if execution.exit_status == NO_TESTS and not report.structured and is_runner:
            report = report.model_copy(update={"no_tests": await self._explain_no_tests(request)})
        return report.model_copy(update={"results": await put_model(self._artifacts, results)})

    @activity.defn
    @translate_errors
    async def measure_coverage(self, request: CoverageRequest) -> ArtifactRef:
        """Measure which lines each test executes, and return a `Spectrum`."""
        from activities.artifacts.store import get_model, put_model
        from activities.sandbox.spectrum import build_spectrum

        request = self._limit(request)
        baseline = await get_model(self._artifacts, request.baseline, TestResults)
        runner = await self._runner(request.snapshot, request.checkpoint, request.spec)
        files = await self._objects.files(request.snapshot, request.checkpoint)
        return await put_model(self._artifacts, await build_spectrum(runner, baseline, files, request.only))

    @activity.defn
    @translate_errors
    async def investigate(self, request: InvestigateRequest) -> Investigation:
        """Run the commands that a plan asks for, one after another; record a refused one with its reason."""
        from activities.artifacts.store import put_model
        from activities.sandbox.investigation import run_investigation

        request = self._limit(request)
        runner = await self._runner(request.snapshot, request.checkpoint, request.spec)
        commands, findings = await run_investigation(runner, request.asked, self._rules, request.checkpoint)
        return Investigation(commands=commands, findings=await put_model(self._artifacts, Findings(findings=findings)))

    @activity.defn
    @translate_errors
    async def try_candidates(self, request: TrialRequest) -> Trial:
        """Try candidates and return the best: one that passes all tests, else the one with fewest failing."""
        from activities.artifacts.store import get_model, put_model
        from activities.code.test_helpers import SourceTree
        from activities.git.trees import find_python_mentions, read_blob, read_content, read_links
        from activities.sandbox.candidates import (
            check_candidates,
            choose_best,
            compare_passing,
            make_title,
            refute,
            run_candidates,
        )
        from activities.sandbox.contested_trial import describe_contest, load_candidates
        from activities.sandbox.judgement import TargetTests
        from activities.sandbox.protected_files import ProtectedFiles, list_installed_modules
        from activities.sandbox.second_run import NO_SECOND_RUN
        from hydranet import patches

        began = time.monotonic()
        request = self._limit(request)
        baseline = await get_model(self._artifacts, request.baseline, TestResults)
        candidates = await load_candidates(self._artifacts, request)
        repository = await self._objects.fetch(request.snapshot, request.parent)
        listing = await self._objects.list_tree(request.snapshot, request.parent)
        read = functools.cache(functools.partial(read_blob, repository, request.parent.commit))
        target = TargetTests.of(baseline)
        links = await asyncio.to_thread(read_links, repository, listing)
        find_mentions = functools.partial(find_python_mentions, repository, request.parent.commit)
        tree = SourceTree(frozenset(listing.files), read, links, find_mentions)
        runner = await self._runner(request.snapshot, request.parent, request.spec)
        installed = await asyncio.to_thread(list_installed_modules, runner.environment)
        # Reading blobs runs git, so both steps would block the event loop, and with it the heartbeats.
        protected = await asyncio.to_thread(
            ProtectedFiles, baseline, request.spec.test_command, tree, self._rules, installed, request.spec.folder
        )
        contents = functools.cache(functools.partial(read_content, repository, request.parent.commit))
        usable, refused = await asyncio.to_thread(check_candidates, candidates, protected, contents, listing.submodules)
        if not usable:
            reason = next(iter(refused.values()), "There is no candidate.")
            if len(refused) > 1:
                reason = f"All {len(refused)} candidates were refused, the first because: {reason}"
            return Trial(index=-1, report=TestReport(passed=False, reason=reason), refused=reason)
        if request.baseline.sha256 in self._second_runs:
            target = await self._run_base_again(target, request.baseline, request.snapshot, request.spec)
        runs = await run_candidates(runner, target, usable)
        puzzling = {run.index: usable[run.index] for run in runs if run.fails_nothing}
        if puzzling and not any(run.report.passed for run in runs):
            target = await self._run_base_again(target, request.baseline, request.snapshot, request.spec)
            if target.second != NO_SECOND_RUN:
                others = [run for run in runs if run.index not in puzzling]
                runs = [*others, *await run_candidates(runner, target, puzzling)]
        passing = {run.index: usable[run.index] for run in runs if run.report.passed}
        observed = await compare_passing(runner, baseline, contents, passing, candidates, request.answers)
        runs = refute(runs, observed.refuted)
        best = choose_best(runs, candidates, observed)
        chosen = candidates[best.index]
        tried = len({run.index for run in runs})
        contested = await describe_contest(self._artifacts, observed, candidates, request.answers)
        return Trial(
            index=best.index,
            title=make_title(best, runs, candidates, observed, asks="question" in contested),
            patch=patches.parse_diff(chosen.diff),
            diff=await self._artifacts.put(chosen.diff.encode(), "text/x-diff"),
            report=best.report.model_copy(update={"results": await put_model(self._artifacts, best.results)}),
            tried=tried,
            passing=sum(run.report.passed for run in runs),
            left=len(usable) - tried,
            seconds=time.monotonic() - began,
            refused=f"{len(refused)} were refused" if refused else "",
            **contested,
        )

    @activity.defn
    @translate_errors
    async def format_fix(self, request: FormatRequest) -> Formatting:
        """Run the repository's formatters on what a checkpoint changes; nothing changes where they fail."""
        from activities.git.trees import read_changed
        from activities.sandbox.formatting import format_changes

        fix, spec = request.checkpoint, self._limits.apply(request.spec)
        repository = await self._objects.fetch(request.snapshot, fix)
        before, after = await asyncio.to_thread(read_changed, repository, request.snapshot.commit, fix.commit)
        runner = await self._runner(request.snapshot, fix, spec)
        diff, used = await format_changes(runner, request.environment.formatters, before, after)
        stored = await self._artifacts.put(diff.encode(), "text/x-diff") if diff else None
        return Formatting(diff=stored, formatters=used)

    def _limit(self, request: _Request) -> _Request:
        return request.model_copy(update={"spec": self._limits.apply(request.spec)})

    async def _explain_no_tests(self, request: TestRequest) -> str:
        from activities.git.trees import read_blob
        from activities.sandbox.command_offers import list_test_commands
        from hydranet.text.formatting import join_words

        folder = f"{request.spec.folder}/" if request.spec.folder else ""
        repository = await self._objects.fetch(request.snapshot, request.checkpoint)
        paths = await self._objects.files(request.snapshot, request.checkpoint)
        files = {path.removeprefix(folder) for path in paths if path.startswith(folder)}
        read = functools.partial(read_blob, repository, request.checkpoint.commit)
        commands = await asyncio.to_thread(list_test_commands, files, lambda name: read(f"{folder}{name}"))
        offers = f", such as {join_words([f'`{command}`' for command in commands])}" if commands else ""
        return (
            f"The test command `{request.spec.test_command}` found no tests: name the one that runs them with "
            f"--test{offers}."
        )

    async def _run_base_again(
        self, target: TargetTests, baseline: ArtifactRef, snapshot: Snapshot, spec: SandboxSpec
    ) -> TargetTests:
        from activities.sandbox.second_run import run_again

        if baseline.sha256 not in self._second_runs:
            base = target.baseline.checkpoint or Checkpoint(commit=snapshot.commit)
            runner = await self._runner(snapshot, base, spec)
            if len(self._second_runs) >= SECOND_RUNS:
                self._second_runs.pop(next(iter(self._second_runs)))
            self._second_runs[baseline.sha256] = await run_again(runner, target.baseline)
        return dataclasses.replace(target, second=self._second_runs[baseline.sha256])

    async def _tell_environment_failures(
        self, request: TestRequest, results: TestResults, environment: Path
    ) -> TestResults:
        from activities.git.submodules import list_missing
        from activities.git.trees import read_blob
        from activities.sandbox.environment_failures import Surroundings, tell_environment_failures
        from activities.sandbox.protected_files import list_installed_modules
        from activities.sandbox.results import ID_LIMIT

        trees = await self._objects.list_trees(request.snapshot, request.checkpoint)
        surroundings = Surroundings(
            paths=frozenset(trees[0].listing.files),
            submodules=list_missing(trees),
            installed=await asyncio.to_thread(list_installed_modules, environment),
            read=functools.partial(read_blob, trees[0].repository, request.checkpoint.commit),
        )
        return await asyncio.to_thread(
            tell_environment_failures, results, surroundings, request.spec.test_command[:ID_LIMIT]
        )

    async def _runner(self, snapshot: Snapshot, checkpoint: Checkpoint, spec: SandboxSpec) -> TestRunner:
        from activities.sandbox.test_run import TestRunner

        # Another node may have prepared the environment; then this one sets it up as well.
        variables = await self._read_variables(spec)
        _, environment = await self._environment(snapshot, spec, variables)
        tree = await self._objects.checkout(snapshot, checkpoint)
        return TestRunner(self._sandbox, tree, environment, spec, variables)

    async def _read_variables(self, spec: SandboxSpec) -> Variables:
        from activities.sandbox.variables import Variables

        values = await self._variables.read(spec.env)
        return Variables(values, self._variables.digest(values))

    async def _environment(
        self, snapshot: Snapshot, spec: SandboxSpec, variables: Variables
    ) -> tuple[InstallPlan, Path]:
        from activities.sandbox import dependencies
        from activities.sandbox.virtual_environments import EnvironmentCache

        base, top = Checkpoint(commit=snapshot.commit), f"{spec.folder}/" if spec.folder else ""
        files = await self._objects.files(snapshot, base)
        paths = [path.removeprefix(top) for path in files if path.startswith(top)]
        declared = {
            path: text
            for path in dependencies.list_declaring_files(paths, spec)
            if (text := await self._objects.read(snapshot, base, f"{top}{path}")) is not None
        }
        has_src = any(path.startswith("src/") for path in paths)
        # Projects of one repository may have the same commands.
        source = snapshot.name_files(snapshot.commit)
        source = f"{source}:{spec.folder}" if spec.folder else source
        plan = dependencies.plan_install(self._sandbox, spec, declared, has_src, source, variables, snapshot.version)
        tree = await self._objects.checkout(snapshot, base)
        return plan, await EnvironmentCache(self._sandbox, self._cache).prepare(plan, tree, spec)
