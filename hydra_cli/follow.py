"""Following a run to its end: a live tree in a terminal, plain lines in a pipe or a file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import chain
from math import inf
from operator import itemgetter

from rich.console import Console, Group
from rich.live import Live
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from hydra_cli.ask import ask_person
from hydra_cli.conclusion import list_question
from hydra_cli.session import Session, is_lost
from hydra_cli.terminal import is_interactive, make_console, plain, print_plain
from hydra_cli.tree import render_tree
from hydranet.contracts import RunResult
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome
from hydranet.report.wording import describe_known_failures, describe_verdict
from hydranet.text.formatting import join_words

_POLL_SECONDS = 0.4
_PARKED_EVERY = 8
# A supervisor that is there answers within milliseconds.
_CALL_SECONDS = 3.0

# The live tree must fit the screen: earlier branches show as one line each until the run ends.
_RECENT = 2

# States that the lines about branches make plain.
_ROUTINE_STATES = ("starting", "choosing a strategy", "working")


async def follow(session: Session, run_id: str, *, quiet: bool = False) -> RunResult:
    """Show the run until it ends, and return its result."""
    console = make_console()
    if not quiet and console.is_terminal:
        await _show_live(session, run_id, console)
    elif not quiet:
        await _print_lines(session, run_id, console)
    while True:
        try:
            return await session.run_handle(run_id).result()
        except RPCError as error:
            async for _ in reconnect(session, error):
                pass


async def _show_live(session: Session, run_id: str, console: Console) -> None:
    began, asked = time.monotonic(), None
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        async for genealogy, parked in watch_run(session, run_id):
            tree = [render_tree(genealogy, recent=_RECENT)] if genealogy else []
            waiting = [plain(f"waiting: {text}", "yellow") for text in parked]
            clock = plain(f"{time.monotonic() - began:.0f} s", "dim")
            live.update(Group(*tree, *waiting, clock))
            if genealogy and genealogy.waits and genealogy.waits.question not in (None, asked) and is_interactive():
                asked = genealogy.waits.question
                live.stop()
                await ask_person(session, genealogy)
                live.start(refresh=True)
    console.print(render_tree(await session.genealogy(run_id)))


async def _print_lines(session: Session, run_id: str, console: Console) -> None:
    before: Genealogy | None = None
    parked_before: list[str] = []
    async for genealogy, parked in watch_run(session, run_id):
        changes = list_changes(before, genealogy) if genealogy else ()
        waiting = [f"waiting: {text}" for text in parked if text not in parked_before]
        for line in (*changes, *waiting):
            print_plain(console, line)
        before, parked_before = genealogy, parked


async def watch_run(session: Session, run_id: str) -> AsyncIterator[tuple[Genealogy | None, list[str]]]:
    """Yield the run's state until it has ended, and what it waits for; while Temporal is away the state stays."""
    genealogy: Genealogy | None = None
    while True:
        try:
            async for state, parked in _watch_connected(session, run_id, genealogy):
                genealogy = state
                yield state, parked
        except RPCError as error:
            async for wait in reconnect(session, error):
                yield genealogy, [wait]
        else:
            return


async def _watch_connected(
    session: Session, run_id: str, genealogy: Genealogy | None
) -> AsyncIterator[tuple[Genealogy | None, list[str]]]:
    ended = asyncio.create_task(session.run_handle(run_id).result())
    try:
        turn, parked = 0, list[str]()
        while not ended.done():
            session.check_stack()
            # A worker or the server may be restarting: the run itself waits in its database.
            answered = False
            with suppress(RPCError, WorkflowQueryFailedError, TimeoutError):
                query = session.run_handle(run_id).query("genealogy", result_type=Genealogy)
                genealogy = await asyncio.wait_for(query, _CALL_SECONDS)
                answered = True
            if turn % _PARKED_EVERY == 0 or not answered or session.silence in parked:
                try:
                    waits = session.list_parked(run_id, unanswered=not answered)
                    parked = await asyncio.wait_for(waits, _CALL_SECONDS)
                except (RPCError, TimeoutError):
                    parked = [session.silence]
            yield genealogy, parked
            _leave_if_asked()
            turn += 1
            await asyncio.wait([ended], timeout=_POLL_SECONDS)
        if isinstance(lost := ended.exception(), RPCError):
            raise lost
        yield await session.genealogy(run_id), []
    finally:
        ended.cancel()


async def reconnect(session: Session, error: RPCError) -> AsyncIterator[str]:
    """Yield what the command waits for until Temporal answers again; raise what is no lost connection."""
    if not is_lost(error):
        raise error
    async for wait in session.reconnect():
        _leave_if_asked()
        yield wait
    # The server answers before it has read what it keeps.
    await asyncio.sleep(_POLL_SECONDS)


def _get_draft(genealogy: Genealogy | None) -> str:
    return genealogy.reproduction.code if genealogy is not None and genealogy.reproduction is not None else ""


def _leave_if_asked() -> None:
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError  # A Ctrl-C met a call, which swallowed it.


def list_changes(before: Genealogy | None, after: Genealogy) -> Iterator[str]:
    """Yield a line for each thing that happened between two states of a run; what branches did, in order of time."""
    if after.environment and not (before and before.environment):
        yield f"sandbox: {after.environment}"
    if after.written_tests and not (before and before.written_tests):
        yield f"test written by the run: {after.written_tests}"
    if (draft := _get_draft(after)) and draft != _get_draft(before):
        yield draft
    if flaky := [name for name in after.flaky if before is None or name not in before.flaky]:
        yield f"flaky on the same code: {join_words(flaky)}"
    if after.target_count and not (before and before.target_count):
        yield f"{_count_failing(after.target_count)} at the base commit: {join_words(list(after.target_tests))}"
    for note in after.test_notes:
        if before is None or note not in before.test_notes:
            yield f"tests: {note}"
    if after.known_failures and not (before and before.known_failures):
        yield f"known failures, left as they are: {describe_known_failures(after)}"
    if after.comparison and after.comparison != (before.comparison if before else None):
        yield f"compared: {after.comparison.sentence}"
    for objection in after.objections:
        # Why a fix was refused is told as the end of its branch.
        if not objection.refuses and (before is None or objection not in before.objections):
            yield f"{objection.label}: {objection.describe()}"
    for message in after.messages:
        if before is None or message not in before.messages:
            yield f"message: {message.sentence}"
    now = datetime.now().astimezone()
    for event in after.nodes:
        if before is None or event not in before.nodes:
            yield f"{event.kind}: {event.describe(now)}"
    known = {branch.number: branch for branch in before.branches} if before else {}
    timed = (_list_branch_changes(known.get(branch.number), branch, after) for branch in after.branches)
    yield from (line for _, line in sorted(chain.from_iterable(timed), key=itemgetter(0)))
    if after.waits and after.waits.question and not (before and before.waits):
        yield from list_question(after)
    if after.state not in _ROUTINE_STATES and not after.verdict and (before is None or before.state != after.state):
        yield after.state
    if after.verdict and (before is None or not before.verdict):
        yield f"{describe_verdict(after)}: {after.reason}"


def _list_branch_changes(
    before: BranchRecord | None, after: BranchRecord, genealogy: Genealogy
) -> Iterator[tuple[float, str]]:
    """Yield the lines about a branch, each with its time in seconds after the start of the run."""
    name = f"b{after.number:02d}"
    if before is None:
        yield (
            after.began,
            f"{name} started{', a different strategy' if after.number > 1 else ''}: {after.strategy.title}",
        )
    attempts = after.attempts[len(before.attempts) if before else 0 :]
    earlier = before.ending if before else Ending.RUNNING
    if earlier is Ending.SUSPENDED and (attempts or after.ending is Ending.RUNNING):
        yield attempts[0].after - attempts[0].seconds if attempts else inf, f"{name} goes on"
        earlier = Ending.RUNNING
    for attempt in attempts:
        yield attempt.after, f"{name} attempt {attempt.number}: {describe_attempt(attempt, genealogy)}"
    if after.ending is not earlier and (earlier is Ending.RUNNING or after.ending is Ending.REAPED):
        yield after.ended, _describe_end(name, after, genealogy)


def _describe_end(name: str, branch: BranchRecord, genealogy: Genealogy) -> str:
    if branch.ending is Ending.PASSED:
        return f"{name} passed, on a clean checkout too"
    if branch.ending is not Ending.REAPED:
        return f"{name} {branch.ending}: {branch.reason}"
    circles = branch.attempts and branch.attempts[-1].score.value > genealogy.threshold
    return f"{name} REAPED{', it circles' if circles else ''}: {branch.reason}"


def describe_attempt(attempt: AttemptRecord, genealogy: Genealogy) -> str:
    """Return what came of an attempt in one line: its tests, its convergence, and what it cost."""
    tests = "all tests pass"
    if attempt.outcome is Outcome.FAILED:
        tests = f"{_count_failing(attempt.facts.failing_count)} ({genealogy.target_count} at the base)"
    elif attempt.outcome is not Outcome.PASSED:
        tests = f"{attempt.outcome} ({attempt.reason})"
    value, threshold = attempt.score.value, genealogy.threshold
    score = f"convergence {value:.2f} {'>' if value > threshold else '≤'} {threshold:.2f}"
    tokens = f", {attempt.usage.tokens} tokens" if attempt.usage.tokens else ""
    candidates = f", best of {attempt.candidates} candidates" if attempt.candidates > 1 else ""
    return f"{tests}, {score}{candidates}{tokens}, {attempt.seconds:.1f} s: {attempt.summary}"


def _count_failing(tests: int) -> str:
    return "1 test fails" if tests == 1 else f"{tests:,} tests fail"
