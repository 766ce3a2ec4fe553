"""`hydra waiting`: what waits for a person, in all open runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from rich.console import Console
from rich.text import Text
from temporalio.service import RPCError

from hydra_cli.session import Session, attach_session
from hydra_cli.terminal import choose_diff_style, make_console, plain, print_plain, write_line
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.genealogy import Genealogy
from hydranet.report.question import PersonQuestion, ask_question
from hydranet.text.formatting import format_duration, format_moment
from workers.outages import OPEN_RUNS

# The search attribute is set while a run waits, so that the others need not be asked.
_WAITING = f"{OPEN_RUNS} AND HydraWaits IS NOT NULL"


def waiting() -> None:
    """List what waits for a person in all open runs, and how to answer."""
    asyncio.run(_waiting())


async def _waiting() -> None:
    console = make_console()
    async with attach_session(settings.load_settings()) as session:
        asks = False
        async for run, question in _list_questions(session):
            if asks:
                write_line()
            asks = True
            print_question(console, run, question)
    if not asks:
        write_line("Nothing waits for a person.")


async def _list_questions(session: Session) -> AsyncIterator[tuple[Genealogy, PersonQuestion]]:
    """Yield the runs that wait, the one that waits for longest first; a run that has ended meanwhile is left out."""
    ids = [run.id async for run in session.client.list_workflows(_WAITING)]
    runs = []
    for run_id in ids:
        try:
            runs.append(await session.genealogy(run_id))
        except RPCError:
            continue
        except UsageError as error:
            write_line(str(error), error=True)
    asking = [(run.waits.since, run) for run in runs if run.waits is not None]
    for _, run in sorted(asking, key=lambda pair: pair[0]):
        if (question := ask_question(run)) is not None:
            yield run, question


def print_question(console: Console, run: Genealogy, question: PersonQuestion) -> None:
    """Print what a run asks, since when, what speaks for it, and how to answer."""
    assert run.waits is not None
    console.print(Text.assemble(plain(run.run_id, "bold"), "  ", plain(run.title)), soft_wrap=True)
    print_plain(console, f"  {question.text}", "bold yellow")
    print_plain(console, f"  since {_describe_since(run.waits.since)}", "dim")
    print_proposal(console, question, "  ")


def print_proposal(console: Console, question: PersonQuestion, indent: str = "") -> None:
    """Print the tests, the alternatives and the diff of what is asked, and how to answer."""
    for label, text in question.facts:
        print_plain(console, f"{indent}{label.lower()}: {text}")
    for line in question.proposal.rstrip("\n").split("\n") if question.proposal else ():
        print_plain(console, f"{indent}  {line}", choose_diff_style(line))
    width = max(len(command) for command, _ in question.answers)
    for command, effect in question.answers:
        print_plain(console, f"{indent}{command.ljust(width)}  {effect}", "cyan")


def _describe_since(since: datetime) -> str:
    now = datetime.now().astimezone()
    return f"{format_moment(since, now)}, for {format_duration(max(0.0, (now - since).total_seconds()))}"
