"""`hydra import`, and what `hydra show --export` does: a run as one file, for another machine or for later."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from activities.artifacts.database import open_database
from activities.history.archive import RunArchive, pack_run, read_archive
from activities.history.transfer import read_artifacts, take_in
from hydra_cli.run_records import find_start, read_log
from hydra_cli.session import Session, attach_session
from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.text.escaping import format_command
from workers.connection import is_open


def import_(
    file: Annotated[Path, typer.Argument(help="The archive, as `hydra show RUN --export FILE` writes it.")],
) -> None:
    """Take a run that was exported elsewhere into the records: show, log, report and replay read it."""
    archive = read_archive(file)  # before a stack is started for a file that is none
    asyncio.run(_import(archive))


async def _import(archive: RunArchive) -> None:
    run_id = archive.run_id
    async with attach_session(settings.load_settings()) as session:
        if await session.find_status(run_id) is not None:
            raise UsageError(f"A run with the id {run_id} was made here: it stays as it is.")
        async with open_database(session.stack.database) as pool:
            is_new = await take_in(pool, session.keys, archive)
    shown = format_command("hydra", "show", run_id)
    write_line(f"The run {run_id} is on record here{'' if is_new else ' already'}: `{shown}`.")


def check_export(file: Path) -> None:
    """Raise UsageError where a run cannot be exported to a file of that name."""
    if file.is_dir() or not file.parent.is_dir():
        raise UsageError(f"{file} cannot be written: name a file in a folder that is there with --export.")


async def export_run(session: Session, run_id: str, file: Path) -> None:
    """Write the archive of a run that has ended. Raises UsageError where it has not, or the file cannot be written."""
    genealogy = await session.genealogy(run_id)
    if genealogy.verdict is None and await is_open(session.client, run_id):
        raise UsageError(f"The run {run_id} has not ended: wait for its verdict.")
    entries = await read_log(session, run_id)
    async with open_database(session.stack.database) as pool:
        artifacts = await read_artifacts(pool, entries)
    archive = RunArchive(genealogy, await find_start(session, run_id), entries, artifacts)
    _write(file, pack_run(archive))
    write_line(f"The run {run_id} is in {file}: `{format_command('hydra', 'import', str(file))}` reads it.")


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}): name another with --export.") from None
