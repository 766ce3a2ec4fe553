"""Which issues a run reproduces without their failing tests, by examples or by a model, and whether rightly.

Run with `python -m benchmarks.reproduce MODEL SUITE [INSTANCE...]`. The failing tests of each bug are removed first; a
written test is right when it fails at the base, and passes with the suite's own fix. With `--no-bugs` the issues are
those of `no_bugs.json`, which describe no bug in the packages of SUITE: each that is reproduced is a mistake. A
model's answers are kept below `--answers FOLDER`, and taken from there where they are there already.
"""

import argparse
import ast
import asyncio
import json
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from activities.artifacts.store import get_model, put_text
from activities.checkpoints.activities import CheckpointActivities
from activities.git.command import run_git
from activities.inference.backend import Backends
from activities.inference.conversation import Transcript
from activities.retrieval.activities import RetrievalActivities
from activities.retrieval.search_cache import Searches
from benchmarks import recording, run
from benchmarks.engine import load_settings
from hydra_cli.bench.conditions import Conditions
from hydra_cli.bench.instance_tests import PreparedRepository, prepare
from hydra_cli.bench.suite import GOLD, BugInstance, check_out, read_suite
from hydranet.contracts import (
    ArtifactRef,
    Checkpoint,
    CommitRequest,
    CoverageRequest,
    Expectation,
    JudgeRequest,
    ReproduceRequest,
    TargetRequest,
    TestReport,
    TestRequest,
    WriteTestsRequest,
    WrittenTests,
)
from hydranet.errors import FatalError
from hydranet.settings import Settings
from hydranet.strategy import TEMPLATES

COMMAND = "python -m pytest -q"
NO_BUGS = Path(__file__).with_name("no_bugs.json")


@dataclass
class Row:
    """What became of an issue: by what it was reproduced, and whether rightly; None where no fix is known."""

    id: str
    by: str = ""
    right: bool | None = None
    test: str = ""
    refused: list[str] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0


@dataclass
class Reproducer:
    """Takes the steps of a run up to its target, on one repository without a failing test."""

    prepared: PreparedRepository
    repository: Path
    issue: ArtifactRef
    settings: Settings
    searches: Searches = field(default_factory=Searches)

    def __post_init__(self) -> None:
        self.retrieval = RetrievalActivities(self.prepared.artifacts, self.prepared.objects, self.searches)
        self.checkpoints = CheckpointActivities(self.prepared.artifacts, self.prepared.objects)

    async def write(self, wishes: Iterable[Expectation] = (), *, drafted: bool = False) -> WrittenTests:
        """Write tests of expectations, by default those of the issue's examples."""
        return await self.retrieval.write_tests(
            WriteTestsRequest(
                snapshot=self.prepared.snapshot,
                checkpoint=self.prepared.base,
                repository_path=str(self.repository),
                title="The issue",
                expectations=tuple(wishes),
                test_command=COMMAND,
                issue=self.issue,
                drafted=drafted,
            )
        )

    async def commit(self, diff: ArtifactRef | None, parent: Checkpoint | None = None) -> Checkpoint:
        """Commit a diff on the base, or on another commit."""
        return await self.checkpoints.commit_checkpoint(
            CommitRequest(
                snapshot=self.prepared.snapshot, parent=parent or self.prepared.base, diff=diff, message="A test"
            )
        )

    async def run_tests(self, checkpoint: Checkpoint) -> TestReport:
        """Run all tests at a commit."""
        return await self.prepared.sandbox.run_tests(
            TestRequest(
                snapshot=self.prepared.snapshot,
                checkpoint=checkpoint,
                environment=self.prepared.environment,
                spec=self.prepared.spec,
            )
        )

    async def aim(self, written: WrittenTests) -> Checkpoint:
        """Return the commit with written tests that fail there; FatalError when they do not."""
        base = await self.commit(written.diff)
        report = await self.run_tests(base)
        if report.results is None:
            raise FatalError("The tests left no results.")
        await self.retrieval.choose_target(
            TargetRequest(
                snapshot=self.prepared.snapshot,
                checkpoint=base,
                repository_path=str(self.repository),
                issue=self.issue,
                results=report.results,
                written=written,
            )
        )
        return base

    async def draft(self, model: str, row: Row, keep: Path | None) -> list[Expectation]:
        """Return the drafts of a model that reproduce the issue, the best first."""
        prepared = self.prepared
        baseline = await self.run_tests(prepared.base)
        assert baseline.results is not None
        issue = (await prepared.artifacts.get(self.issue)).decode()
        work = await prepared.retrieve("reproduce", self.repository, issue, baseline.results, None, self.searches)
        backend = Backends(prepared.artifacts, prepared.objects, self.settings.models).get(model)
        answer = await backend.reproduce(ReproduceRequest(work=work.model_copy(update={"model": model})))
        row.tokens, row.refused = answer.usage.tokens, list(answer.refused)
        if keep is not None and answer.transcript is not None:
            transcript = await get_model(prepared.artifacts, answer.transcript, Transcript)
            await asyncio.to_thread(keep.write_text, f"{transcript.model_dump_json()}\n")
        if not answer.drafts:
            return []
        written = await self.write(answer.drafts, drafted=True)
        row.refused += written.left_out
        if written.diff is None:
            return []
        spectrum = await prepared.sandbox.measure_coverage(
            CoverageRequest(
                snapshot=prepared.snapshot,
                checkpoint=await self.commit(written.diff),
                environment=prepared.environment,
                spec=prepared.spec,
                baseline=baseline.results,
                only=written.file,
            )
        )
        judgement = await self.retrieval.judge_drafts(
            JudgeRequest(written=written, spectrum=spectrum, context=work.context)
        )
        row.refused += judgement.refused
        by_name = {test.name: test.expectation for test in written.tests}
        return [by_name[name] for name in judgement.kept]

    async def find(self, row: Row, model: str, keep: Path | None) -> Checkpoint | None:
        """Return the commit with the test that reproduces the issue, and note in the row what it is."""
        written = await self.write()
        if written.diff is not None:
            try:
                base = await self.aim(written)
            except FatalError as error:
                row.refused.append(f"examples: {error}")
            else:
                row.by, row.test = "examples", written.tests[0].expectation.code
                return base
        for draft in await self.draft(model, row, keep) if model != TEMPLATES else ():
            try:
                base = await self.aim(await self.write((draft,), drafted=True))
            except FatalError as error:
                row.refused.append(f"{draft.source}: {error}")
                continue
            row.by, row.test = "model", "\n".join(filter(None, (draft.setup, draft.code)))
            return base
        return None


async def reproduce(instance: BugInstance, model: str, answers: Path | None) -> Row:
    """Return what becomes of an issue without its failing tests."""
    row, began = Row(instance.id), time.monotonic()
    settings = load_settings()
    settings = settings.model_copy(
        update={"sandbox": settings.sandbox.model_copy(update={**instance.sandbox, "test_command": COMMAND})}
    )
    kept = answers / f"{instance.id}.jsonl" if answers is not None else None
    asked = f"scripted:{kept}" if kept is not None and kept.exists() else model
    with tempfile.TemporaryDirectory(prefix="hydra-bench-") as folder:
        repository = (await asyncio.to_thread(check_out, instance, Path(folder) / "repository")).path
        async with prepare(repository, settings) as prepared:
            failing = [test.id for test in await prepared.read_results(await prepared.run_tests()) if test.is_failing]
        if failing:
            await asyncio.to_thread(remove_tests, repository, failing)
        async with prepare(repository, settings) as prepared:
            issue = await put_text(prepared.artifacts, instance.issue)
            steps = Reproducer(prepared, repository, issue, settings)
            base = await steps.find(row, asked, kept if asked == model else None)
            gold = instance.folder / GOLD
            if base is not None and gold.exists():
                fixed = await steps.commit(await put_text(prepared.artifacts, gold.read_text()), base)
                row.right = (await steps.run_tests(fixed)).passed
    row.seconds = round(time.monotonic() - began, 1)
    return row


def remove_tests(repository: Path, tests: Iterable[str]) -> None:
    """Remove test functions from their files, and commit that."""
    by_file: dict[str, set[str]] = {}
    for test in tests:
        file, _, name = test.partition("::")
        by_file.setdefault(file, set()).add(name.rpartition("::")[2].partition("[")[0])
    for file, names in by_file.items():
        path = repository / file
        lines = path.read_text().split("\n")
        functions = [node for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.FunctionDef)]
        for function in sorted(functions, key=lambda function: -function.lineno):
            if function.name in names:
                first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
                del lines[first - 1 : function.end_lineno]
        path.write_text("\n".join(lines))
    run_git(repository, "commit", "--quiet", "--all", "--message", "Without the failing tests")


def read_no_bugs(suite: Path) -> dict[str, BugInstance]:
    """Return the issues that describe no bug, on the packages of a suite."""
    cases = [BugInstance.model_validate(case) for case in json.loads(NO_BUGS.read_text())]
    return {case.id: case.model_copy(update={"folder": suite / case.id}) for case in cases}


async def main() -> None:
    """Print a line for each issue and the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("suite", type=Path)
    parser.add_argument("only", nargs="*")
    parser.add_argument("--no-bugs", action="store_true")
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    conditions, rows = Conditions(), list[Row]()
    if given.answers:
        given.answers.mkdir(parents=True, exist_ok=True)
    suite, instances = read_suite(given.suite, [] if given.no_bugs else given.only)
    if given.no_bugs:
        named = read_no_bugs(given.suite)
        instances = {name: case for name, case in named.items() if not given.only or name in given.only}
    for instance in instances.values():
        row = await reproduce(instance, given.model, given.answers)
        rows.append(row)
        right = {True: "right", False: "WRONG", None: "?"}[row.right] if row.by else ""
        print(f"{row.by or '-':8} {right:5} {row.id:24} {row.seconds:6.1f} s {row.tokens:6} tokens", flush=True)
        for line in (*row.test.splitlines(), *(f"({reason})" for reason in row.refused)):
            print(f"        {line}", flush=True)
    by = [row.by for row in rows]
    rightly = sum(row.right is True for row in rows)
    print(f"{len(rows)} issues: {by.count('examples')} by examples, {by.count('model')} by a model, {rightly} rightly")
    if given.json:
        described = [asdict(row) for row in rows]
        recording.write(given.json, conditions, described, suite=suite.name, model=given.model, no_bugs=given.no_bugs)


if __name__ == "__main__":
    run(main)
