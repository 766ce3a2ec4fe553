"""What a run aims at: the tests that fail at the base, or tests that it writes of what is expected."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.checkpoints.activities import CheckpointActivities
    from activities.retrieval.activities import RetrievalActivities
    from hydranet.contracts import (
        ArtifactRef,
        Checkpoint,
        CommitRequest,
        Environment,
        Expectation,
        FixRequest,
        Snapshot,
        TargetRequest,
        TestReport,
        WriteTestsRequest,
        WrittenTests,
    )
    from hydranet.text.formatting import format_count
    from hydranet.text.truncation import keep_start
    from workflows import policies
    from workflows.preparation import run_tests
    from workflows.run_state import RunState


@dataclass(frozen=True)
class TargetSearch:
    """Finds the failing tests that a run is to make pass; `begin` waits out a pause, and says what begins."""

    request: FixRequest
    snapshot: Snapshot
    environment: Environment
    issue: ArtifactRef
    state: RunState
    begin: Callable[[str], Awaitable[None]]

    async def find(self) -> tuple[Checkpoint, TestReport]:
        """Return the base of the run, and its tests with those that fail and are to be mended.

        Where no test fails at HEAD, or none is there, tests are written of the issue's examples.
        """
        if self.request.expectations:
            return await self._test(await self._write(self.request.expectations))
        head = Checkpoint(commit=self.snapshot.commit)
        baseline = await self._run(head)
        if not baseline.passed and not baseline.no_tests:
            return head, await self._choose(head, baseline)
        written = await self._write((), self.issue)
        if written.diff is None:
            raise policies.fail(baseline.no_tests or _explain_no_target(baseline))
        base, baseline = await self._test(written)
        names = {test.partition("[")[0].replace("::", ".").rpartition(".")[2] for test in baseline.failing}
        kept = [test.expectation for test in written.tests if test.name in names]
        if len(kept) < len(written.tests):
            # What holds already, or fails for another reason, is no part of the fix.
            return await self._test(await self._write(kept, self.issue))
        return base, baseline

    async def _test(self, written: WrittenTests) -> tuple[Checkpoint, TestReport]:
        """Add tests that were written to HEAD, and return how they fail there."""
        base = await workflow.execute_activity_method(
            CheckpointActivities.commit_checkpoint,
            CommitRequest(
                snapshot=self.snapshot,
                parent=Checkpoint(commit=self.snapshot.commit),
                diff=written.diff,
                message=f"Test what is expected: {self.request.title}",
            ),
            **policies.for_sandbox("add the tests that were written", self.request.sandbox),
        )
        self.state.set_written_tests(written)
        return base, await self._choose(base, await self._run(base), written)

    async def _write(self, expectations: Sequence[Expectation], issue: ArtifactRef | None = None) -> WrittenTests:
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
            ),
            **policies.for_retrieval("write tests of what is expected"),
        )

    async def _run(self, base: Checkpoint) -> TestReport:
        await self.begin("running the tests at the base commit")
        return await run_tests(self.request, self.snapshot, base, self.environment, "baseline tests")

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


def _explain_no_target(report: TestReport) -> str:
    if not report.known:
        return (
            f"No test fails at HEAD ({report.passing_count} pass), and the issue has no example that can be run: "
            "say what is expected with --expect, or add a failing test for the issue and commit it."
        )
    first, others = report.known[0], report.known_count - 1
    more = f" and {format_count(others, 'other test')}" if others else ""
    return (
        f"Nothing fails at HEAD but for what the sandbox lacks: {keep_start(first.describe(), 160)}{more}. "
        "Install it with 'sandbox.setup', or name a test command with --test whose failure is the issue's."
    )
