"""What a run aims at: the tests that fail at the base, or tests that it writes of what is expected."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.retrieval.activities import RetrievalActivities
    from hydranet.contracts import (
        ArtifactRef,
        Checkpoint,
        CommitRequest,
        Expectation,
        FixRequest,
        Snapshot,
        TargetRequest,
        TestReport,
        WriteTestsRequest,
        WrittenTests,
    )
    from hydranet.genealogy import Reproduction
    from hydranet.strategy import TEMPLATES
    from hydranet.text.formatting import format_count
    from hydranet.text.truncation import keep_start
    from workflows import policies
    from workflows.preparation import run_tests
    from workflows.reproduction import DraftSearch
    from workflows.run_state import RunState
    from workflows.sandbox_host import SandboxHost

# Drafts that are run with all tests, the best first: each costs a run of them.
_TRIED = 3


@dataclass(frozen=True)
class TargetSearch:
    """Finds the failing tests that a run is to make pass.

    `begin` waits out a pause, and says what begins; `approve` has a person decide about a test that a model drafted,
    where that was asked for, and returns why it is rejected, if it is.
    """

    request: FixRequest
    snapshot: Snapshot
    sandbox: SandboxHost
    issue: ArtifactRef
    state: RunState
    begin: Callable[[str], Awaitable[None]]
    approve: Callable[[TestReport], Awaitable[str]]

    async def find(self) -> tuple[Checkpoint, TestReport]:
        """Return the base of the run, and its tests with those that fail and are to be mended.

        Where no test fails at HEAD, or none is there, tests are written of the issue's examples; where it has none that
        fail, a model drafts one.
        """
        if self.request.expectations:
            return await self._test(await self._write(self.request.expectations))
        head = Checkpoint(commit=self.snapshot.commit)
        baseline = await self._run(head)
        if not baseline.passed and not baseline.no_tests:
            return head, await self._choose(head, baseline)
        written = await self._write((), self.issue)
        has_model = self.request.model != TEMPLATES
        if written.diff is not None:
            try:
                return await self._test_examples(written)
            except ActivityError as error:
                if not (has_model and policies.is_fatal(error)):
                    raise
        elif not has_model:
            raise policies.fail(baseline.no_tests or _explain_no_target(baseline))
        return await self._reproduce(baseline)

    async def _test_examples(self, written: WrittenTests) -> tuple[Checkpoint, TestReport]:
        base, baseline = await self._test(written)
        names = {test.partition("[")[0].replace("::", ".").rpartition(".")[2] for test in baseline.failing}
        kept = [test.expectation for test in written.tests if test.name in names]
        if len(kept) < len(written.tests):
            # What holds already, or fails for another reason, is no part of the fix.
            return await self._test(await self._write(kept, self.issue))
        return base, baseline

    async def _reproduce(self, baseline: TestReport) -> tuple[Checkpoint, TestReport]:
        """Return the base and target of the best test that a model drafts, and that a person approves where asked."""
        drafts = DraftSearch(
            self.request,
            self.snapshot,
            self.sandbox,
            self.issue,
            self.state,
            self.begin,
            self._write,
            self._commit,
        )
        for draft in (await drafts.find(baseline))[:_TRIED]:
            try:
                target = await self._test(await self._write((draft,), self.issue, drafted=True))
            except ActivityError as error:
                if not policies.is_fatal(error):
                    raise
                self.state.refuse_drafts([f"{draft.source}: it does not fail each time"])
                continue
            rejected = await self.approve(target[1])
            if not rejected:
                return target
            self.state.refuse_drafts([f"{draft.source}: {rejected}"])
        reason = _explain_no_reproduction(self.state.genealogy.reproduction)
        raise policies.give_up(f"{reason} {_explain_no_target(baseline)}" if baseline.known else reason)

    async def _test(self, written: WrittenTests) -> tuple[Checkpoint, TestReport]:
        """Add tests that were written to HEAD, and return how they fail there."""
        base = await self._commit(written)
        target = await self._choose(base, await self._run(base), written)
        self.state.set_written_tests(written)
        return base, target

    async def _commit(self, written: WrittenTests) -> Checkpoint:
        return await self.sandbox.commit(
            CommitRequest(
                snapshot=self.snapshot,
                parent=Checkpoint(commit=self.snapshot.commit),
                diff=written.diff,
                message=f"Test what is expected: {self.request.title}",
            ),
            "add the tests that were written",
        )

    async def _write(
        self, expectations: Sequence[Expectation], issue: ArtifactRef | None = None, *, drafted: bool = False
    ) -> WrittenTests:
        await self.begin("writing tests of what is expected")
        return await workflow.execute_activity_method(
            RetrievalActivities.write_tests,
            WriteTestsRequest(
                snapshot=self.snapshot,
                checkpoint=Checkpoint(commit=self.snapshot.commit),
                repository_path=self.request.repository_path,
                title=self.request.title,
                expectations=tuple(expectations),
                test_command=self.request.sandbox.test_command,
                folder=self.request.sandbox.folder,
                issue=issue,
                drafted=drafted,
            ),
            **policies.for_retrieval("write tests of what is expected"),
        )

    async def _run(self, base: Checkpoint) -> TestReport:
        await self.begin("running the tests at the base commit")
        return await run_tests(self.request, self.snapshot, base, self.sandbox, "baseline tests")

    async def _choose(self, base: Checkpoint, baseline: TestReport, written: WrittenTests | None = None) -> TestReport:
        """Return the baseline with the failing tests that are to be mended, and the others as known failures."""
        is_plain = baseline.failing_count < 2 and not self.request.target and written is None
        if baseline.results is None or is_plain:
            return baseline
        target = await workflow.execute_activity_method(
            RetrievalActivities.choose_target,
            TargetRequest(
                snapshot=self.snapshot,
                checkpoint=base,
                repository_path=self.request.repository_path,
                issue=self.issue,
                results=baseline.results,
                patterns=self.request.target,
                written=written,
            ),
            **policies.for_retrieval("choose the target"),
        )
        return baseline.narrow(target)


def _explain_no_reproduction(reproduction: Reproduction | None) -> str:
    tried = reproduction or Reproduction()
    drafts = f"{format_count(tried.draws, 'draft')} of the model"
    return (
        f"No test fails at HEAD, and none of {drafts} reproduces the issue ({tried.sentence}): "
        "say what is expected with --expect, or add a failing test for the issue and commit it."
    )


def _explain_no_target(report: TestReport) -> str:
    if not report.known:
        return (
            f"No test fails at HEAD ({report.passing_count} pass), and the issue has no example that can be run: "
            "say what is expected with --expect, add a failing test for the issue and commit it, or name a model, "
            "which may write one."
        )
    first, others = report.known[0], report.known_count - 1
    more = f" and {format_count(others, 'other test')}" if others else ""
    return (
        f"Nothing fails at HEAD but for what the sandbox lacks: {keep_start(first.describe(), 160)}{more}. "
        "Install it with 'sandbox.setup', or name a test command with --test whose failure is the issue's."
    )
