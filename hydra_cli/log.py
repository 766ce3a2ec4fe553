"""`hydra log`: the history of a run as JSON lines, or the transcript of its models."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import typer

from activities.artifacts.database import open_database
from activities.artifacts.store import PostgresArtifacts
from activities.history.events import Entry
from activities.history.log_store import list_artifacts
from hydra_cli.run_records import read_log
from hydra_cli.session import Session, attach_session
from hydra_cli.terminal import write_json, write_line
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.genealogy import Ending, Genealogy
from hydranet.text.formatting import format_count


def log(
    run: Annotated[str, typer.Argument(help="The run's id or a part of it; by default the latest run.")] = "",
    transcript: Annotated[
        bool, typer.Option("--transcript", help="Print only the calls of models, with prompts and answers.")
    ] = False,
    attempts: Annotated[bool, typer.Option("--attempts", help="Print only the attempts, for `hydra score`.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what an open run does, until it ends or you press Ctrl-C.")
    ] = False,
) -> None:
    """Print a run's history as JSON lines, oldest first."""
    if follow and attempts:
        raise UsageError("--attempts lists those that were made: leave out --follow, or --attempts.")
    try:
        asyncio.run(_log(run, transcript=transcript, attempts=attempts, follow=follow))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


async def _log(run: str, *, transcript: bool, attempts: bool, follow: bool) -> None:
    async with attach_session(settings.load_settings()) as session:
        run_id = await session.find_run(run)
        if attempts:
            for line in _list_attempts(await session.genealogy(run_id)):
                write_json(line)
            return
        entries = _read(session, run_id, follow=follow)
        if not transcript:
            async for entry in entries:
                write_json(entry)
            return
        async with open_database(session.stack.database) as pool:
            await _write_transcripts(PostgresArtifacts(pool), entries)


async def _read(session: Session, run_id: str, *, follow: bool) -> AsyncIterator[Entry]:
    if not follow:
        for entry in await read_log(session, run_id):
            yield entry
        return
    # Imported here, for the log that is read once.
    from hydra_cli.log_follow import follow_log

    async for entry in follow_log(session, run_id):
        yield entry


async def _write_transcripts(artifacts: PostgresArtifacts, entries: AsyncIterator[Entry]) -> None:
    missing = 0
    async for entry in entries:
        for artifact in list_artifacts([entry]):
            if artifact.field != "transcript":
                continue
            try:
                text = await artifacts.get(artifact.ref)
            except LookupError:
                missing += 1
                continue
            write_json({"time": entry["time"], **json.loads(text)})
    if missing:
        write_line(f"{format_count(missing, 'transcript')} of this run are not kept any more.", error=True)


def _list_attempts(genealogy: Genealogy) -> Iterator[dict[str, Any]]:
    attempts = [(branch, attempt) for branch in genealogy.branches for attempt in branch.attempts]
    for branch, attempt in sorted(attempts, key=lambda pair: pair[1].after):
        yield {
            "branch": f"b{branch.number:02d}",
            **attempt.facts.model_dump(mode="json", exclude_defaults=True),
            "last": branch.ending not in (Ending.RUNNING, Ending.SUSPENDED) and attempt is branch.attempts[-1],
            "score": attempt.score.value,
        }
