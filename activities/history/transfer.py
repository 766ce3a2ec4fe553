"""Taking a run into the records that another stack has exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activities.artifacts.records import read_genealogy
from activities.artifacts.store import PostgresArtifacts
from activities.history.archive import RunArchive
from activities.history.catalogue import RunCatalogue
from activities.history.log_store import LogKeys, LogStore, list_artifacts
from activities.history.recording import keep_log_within
from hydranet.errors import UsageError

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from activities.history.events import Entry


async def read_artifacts(pool: AsyncConnectionPool, entries: list[Entry]) -> dict[str, bytes]:
    """Return the artifacts that a log names, by their SHA-256, as far as they are still kept."""
    store, contents = PostgresArtifacts(pool), {}
    for artifact in list_artifacts(entries):
        try:
            contents[artifact.ref.sha256] = await store.get(artifact.ref)
        except LookupError:
            continue
    return contents


async def take_in(pool: AsyncConnectionPool, keys: LogKeys, archive: RunArchive) -> bool:
    """Put a run on record with all that belongs to it; return False where that very run is there already.

    Raises UsageError where another run has its id.
    """
    if (known := await read_genealogy(pool, archive.run_id)) is not None:
        began = await RunCatalogue(pool).find_start(archive.run_id)
        entries = await LogStore(pool, keys).read(archive.run_id)
        if (known, began, entries) == (archive.genealogy, archive.began, archive.entries):
            return False
        raise UsageError(f"Another run with the id {archive.run_id} is on record here: it stays as it is.")
    store = PostgresArtifacts(pool)
    for artifact in list_artifacts(archive.entries):
        if (content := archive.artifacts.get(artifact.ref.sha256)) is not None:
            await store.put(content, artifact.ref.media_type)
    genealogy = archive.genealogy
    async with pool.connection() as connection, connection.transaction():
        # Its draws are those of other models and machines, so they teach nothing here.
        await connection.execute(
            "INSERT INTO runs (run_id, genealogy, started_at, imported, skills_recorded)"
            " VALUES (%s, %s, %s, true, true)",
            (archive.run_id, genealogy.model_copy(update={"branches": ()}).model_dump_json(), archive.began),
        )
        await connection.cursor().executemany(
            "INSERT INTO branches (run_id, number, branch) VALUES (%s, %s, %s)",
            [(archive.run_id, branch.number, branch.model_dump_json()) for branch in genealogy.branches],
        )
        await keep_log_within(connection, LogStore(pool, keys), archive.run_id, archive.entries)
        await connection.execute("UPDATE runs SET started_at = %s WHERE run_id = %s", (archive.began, archive.run_id))
    return True
