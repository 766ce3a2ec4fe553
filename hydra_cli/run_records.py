"""What is on record of a run, whether Temporal still knows it or not."""

from __future__ import annotations

from datetime import datetime

from temporalio.client import WorkflowExecutionStatus

from activities.artifacts.database import open_database
from activities.history.catalogue import RunCatalogue
from activities.history.events import Entry, list_entries
from activities.history.log_store import LogStore
from hydra_cli.session import Session
from hydranet.errors import UsageError


async def read_log(session: Session, run_id: str) -> list[Entry]:
    """Return what a run did, oldest first: from the records where it has ended, else from Temporal's history."""
    status = await session.find_status(run_id)
    if status is not WorkflowExecutionStatus.RUNNING:
        async with open_database(session.stack.database) as pool:
            if (kept := await LogStore(pool, session.keys).read(run_id)) is not None:
                return kept
    if status is None:
        raise UsageError(f"The log of {run_id} was not kept before Temporal forgot the run.")
    return await list_entries(session.client, run_id)


async def find_start(session: Session, run_id: str) -> datetime:
    """Return when a run began."""
    if (described := await session.find_description(run_id)) is not None:
        return described.start_time
    async with open_database(session.stack.database) as pool:
        if (began := await RunCatalogue(pool).find_start(run_id)) is not None:
            return began
    raise UsageError(f"There is no run '{run_id}': see `hydra runs --all`.")
