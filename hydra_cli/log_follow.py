"""`hydra log --follow`: the log of a run as it grows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

from temporalio.service import RPCError

from activities.history.entry_stream import EntryStream
from activities.history.events import Entry
from hydra_cli.follow import reconnect
from hydra_cli.run_records import read_log
from hydra_cli.session import Session
from hydra_cli.terminal import write_line
from workers.connection import is_open

_write = partial(write_line, error=True)


async def follow_log(session: Session, run_id: str, tell: Callable[[str], None] = _write) -> AsyncIterator[Entry]:
    """Yield what a run has done, and does until it ends; lost connections are waited out, and told once each."""
    if not await is_open(session.client, run_id):
        for entry in await read_log(session, run_id):
            yield entry
        return
    stream, last = EntryStream(run_id), ""
    while True:
        try:
            async for batch in stream.read(session.client):
                last = ""
                for entry in batch:
                    yield entry
            return
        except RPCError as error:
            async for wait in reconnect(session, error):
                if wait != last:
                    tell(f"waiting: {wait}")
                last = wait
