"""`hydra bench`: run every instance of a suite, and report what was fixed, what was not, and why."""

import asyncio
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hydra_cli.bench.gold_answers import answer_by_gold
from hydra_cli.bench.instance_tests import describe_hidden, passes_hidden
from hydra_cli.bench.results import Arm, Reaped, Result, ResultFile
from hydra_cli.bench.suite import GOLD, BugInstance, check_out, read_suite
from hydra_cli.control import ask_run
from hydra_cli.repository import Repository
from hydra_cli.session import Session, attach_session
from hydra_cli.start import Start, check_machine, forget_variables, keep_variables, set_variables, start_run
from hydra_cli.terminal import make_console, plain, print_plain
from hydranet import settings
from hydranet.contracts import COUNTERFACTUAL_WORKFLOW, SUPERVISOR_QUEUE, BranchRequest, Counterfactual, RunResult
from hydranet.errors import UsageError
from hydranet.genealogy import BranchRecord, Ending, Verdict
from hydranet.question import ANSWERS

_POLL_SECONDS = 1.0


def bench(
    suite: Annotated[Path, typer.Option(help="The suite: a folder with suite.json and a folder per instance.")],
    model: Annotated[
        str | None,
        typer.Option(help="What fixes the bugs: auto, templates, ollama:NAME, openai:URL#NAME or scripted:FILE."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this instance; repeat the option for more.")] = None,
    jobs: Annotated[int, typer.Option(help="The number of instances at the same time.")] = max(
        1, (os.cpu_count() or 1) // 2
    ),
    no_reaper: Annotated[
        bool, typer.Option("--no-reaper", help="Reap nothing: let branches that circle spend their budget.")
    ] = False,
    resume_reaped: Annotated[
        bool,
        typer.Option(
            "--resume-reaped", help="Resume reaped branches afterwards, to see whether they would have passed."
        ),
    ] = False,
    retrieval: Annotated[
        bool, typer.Option("--retrieval", help="Measure retrieval instead: at which ranks it finds the fixes.")
    ] = False,
    traceback: Annotated[
        bool,
        typer.Option("--traceback", help="With --retrieval: search by the failing tests too, in a sandbox."),
    ] = False,
    questions: Annotated[
        int, typer.Option(min=0, max=ANSWERS, help="Answer so many questions of a run at most, by the right fix.")
    ] = 0,
    json_out: Annotated[
        Path | None,
        typer.Option("--json", help="The file to write the results to, as JSON; what it has already is not run again."),
    ] = None,
) -> None:
    """Run a suite of bugs, and report every success and failure.

    Every run of an instance draws from the same seed, so that two benchmarks differ only in what you changed.
    """
    if no_reaper and resume_reaped:
        raise UsageError("--resume-reaped has nothing to resume with --no-reaper: leave out one of the two.")
    if traceback and not retrieval:
        raise UsageError("--traceback needs --retrieval: add it, or leave out --traceback.")
    described, instances = read_suite(suite, only or [])
    if retrieval:
        # They bring numpy and the parsers, which no other benchmark needs.
        from hydra_cli.bench.instance_tests import run_failing_tests
        from hydra_cli.bench.retrieval import bench_retrieval

        failing = run_failing_tests(instances, settings.load_settings()) if traceback else {}
        bench_retrieval(described.name, instances, failing, json_out)
        return
    if questions and (lacking := [each.id for each in instances.values() if not (each.folder / GOLD).exists()]):
        raise UsageError(f"{lacking[0]} has no {GOLD}, by which --questions answers: add it, or leave out --questions.")
    arm = Arm(settings.load_settings(flags={"model": model}), not no_reaper, resume_reaped, questions)
    file = ResultFile(json_out, described.name, arm)
    left = {folder: instance for folder, instance in instances.items() if instance.id not in file.results}
    if known := len(instances) - len(left):
        print_plain(make_console(error=True), f"{json_out} has {known} of {len(instances)} instances: not run again")
    if left:
        asyncio.run(_bench(described.name, left, arm, jobs, file))
    _print([file.results[instance.id] for instance in instances.values()])


async def _bench(name: str, instances: dict[str, BugInstance], arm: Arm, jobs: int, file: ResultFile) -> None:
    free = asyncio.Semaphore(jobs)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    work = arm.settings.data_dir / "bench" / uuid.uuid4().hex[:8]
    try:
        await check_machine(arm.settings)
        async with attach_session(arm.settings, to_work=True) as session:
            with Progress(*columns, console=make_console(error=True)) as progress:
                task = progress.add_task(name, total=len(instances))

                async def one(folder: str, instance: BugInstance) -> None:
                    async with free:
                        repository = await asyncio.to_thread(check_out, instance, work / folder)
                        result = await _run(session, repository, instance, arm)
                    file.add(result)
                    print_plain(progress.console, f"{'fixed ' if result.fixed else result.verdict:10} {instance.id}")
                    progress.advance(task)

                await asyncio.gather(*(one(folder, instance) for folder, instance in instances.items()))
    finally:
        shutil.rmtree(work, ignore_errors=True)


async def _run(session: Session, repository: Repository, instance: BugInstance, arm: Arm) -> Result:
    described = instance.merge_settings(arm.settings)
    wanted = Start(repository, instance.issue)
    request = (await wanted.build_request(session, described)).model_copy(
        update={"reaper": arm.reaper, "seed": instance.id, "questions": arm.questions}
    )
    identity = f"bench-{instance.id}-{uuid.uuid4().hex[:6]}"[:120]
    run_id, _ = await start_run(session, request, identity, instance.env)
    handle = session.run_handle(run_id)
    try:
        outcome = await _answer_until_end(session, run_id, instance, arm)
    except asyncio.CancelledError:
        await handle.signal("abort", args=["The benchmark was interrupted.", "hydra bench"])
        raise
    # Its folder goes with the suite.
    session.unregister(request.repository_path)
    genealogy = await session.genealogy(run_id)
    hidden = await passes_hidden(instance, repository.path, outcome.commit, arm.settings) if outcome.commit else None
    return Result(
        id=instance.id,
        fixed=outcome.verdict is Verdict.FIXED,
        verdict=outcome.verdict,
        attempts=genealogy.attempts,
        branches=len(genealogy.branches),
        reaps=genealogy.reaps,
        tokens=genealogy.usage.tokens,
        seconds=round(genealogy.seconds, 1),
        reason=outcome.reason,
        run=run_id,
        reaped=[
            await _describe_reaped(session, branch, instance.env, resume=arm.resume_reaped)
            for branch in genealogy.branches
            if branch.ending is Ending.REAPED
        ],
        hidden=hidden,
        answers=len(genealogy.answers),
    )


async def _answer_until_end(session: Session, run_id: str, instance: BugInstance, arm: Arm) -> RunResult:
    """Answer what a run asks by the right fix until it ends, and return its result."""
    handle = session.run_handle(run_id)
    ending = asyncio.create_task(handle.result())
    try:
        while arm.questions and not ending.done():
            genealogy = await session.genealogy(run_id)
            if genealogy.waits is not None and genealogy.waits.question is not None:
                choice = await answer_by_gold(instance, genealogy.waits.question, arm.settings)
                await ask_run(handle, "answer", [choice, ""])
            await asyncio.wait([ending], timeout=_POLL_SECONDS)
        return await ending
    finally:
        ending.cancel()


async def _describe_reaped(
    session: Session, branch: BranchRecord, variables: Mapping[str, str], *, resume: bool
) -> Reaped:
    name, attempts = branch.id.rpartition("/")[2], len(branch.attempts)
    if not resume:
        return Reaped(name, attempts)
    client = session.client
    carried = await client.get_workflow_handle(branch.id).query("carried", result_type=BranchRequest)
    workflow_id = f"{branch.id}-resumed"
    # The run has ended, and what it had of them is removed.
    references = await keep_variables(session, workflow_id, variables)
    try:
        resumed = await client.execute_workflow(
            COUNTERFACTUAL_WORKFLOW,
            set_variables(carried, references),
            id=workflow_id,
            task_queue=SUPERVISOR_QUEUE,
            result_type=Counterfactual,
        )
    finally:
        await forget_variables(session, references)
    return Reaped(name, attempts, resumed)


def _print(results: list[Result]) -> None:
    table = Table("instance", "verdict", "branches", "attempts", "reaped", "tokens", "seconds", "hidden", "reason")
    for result in results:
        counts = (result.branches, result.attempts, result.reaps, result.tokens, result.seconds)
        words = (result.id, result.verdict, *map(str, counts), describe_hidden(result.hidden), result.reason)
        table.add_row(*map(plain, words))
    output = make_console()
    output.print(table)
    fixed = [result.attempts for result in results if result.fixed]
    after = f", after {mean(fixed):.1f} attempts on average" if fixed else ""
    output.print(f"{len(fixed)} of {len(results)} fixed{after}; {sum(r.tokens for r in results)} tokens")
    if any(result.hidden is not None for result in results):
        output.print(make_confusion_table(results))
    if reaped := [branch for result in results for branch in result.reaped]:
        output.print(
            f"{len(reaped)} reaped, after {mean(branch.attempts for branch in reaped):.1f} attempts on average"
        )
        if resumed := [branch.resumed for branch in reaped if branch.resumed]:
            output.print(_describe_false_kills(resumed))


def make_confusion_table(results: list[Result]) -> Table:
    """Return how many fixes are right by the hidden tests, of those that are called fixed and of the ambiguous."""
    table = Table("", "right", "wrong")
    for verdict in (Verdict.FIXED, Verdict.AMBIGUOUS):
        hidden = [result.hidden for result in results if result.verdict == verdict and result.hidden is not None]
        table.add_row(verdict, str(hidden.count(True)), str(hidden.count(False)))
    table.add_row("not fixed", "", str(sum(not Verdict(result.verdict).has_fix for result in results)))
    return table


def _describe_false_kills(resumed: list[Counterfactual]) -> str:
    passed = sum(branch.ending is Ending.PASSED for branch in resumed)
    return f"{passed} of {len(resumed)} reaped branches pass when resumed ({passed / len(resumed):.0%} false kills)"
