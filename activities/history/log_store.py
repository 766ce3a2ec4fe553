"""The logs of runs that have ended, in PostgreSQL: sealed as their histories are, with the master key."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hydranet.contracts import ArtifactRef
from hydranet.errors import UsageError

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    from activities.history.events import Entry

# What is sealed for this is nothing else, and the log of no other run.
_CONTEXT = b"hydranet run log 1 "

ENTRY_BYTES = 1_000_000
"""The largest entry of a log; the facts of a larger one are left out."""
LOG_BYTES = 32_000_000
"""The largest log, uncompressed: several times that of a run with all its attempts. The entries beyond are left out."""

KEPT = {"transcript": "transcripts/{}.json", "diff": "patches/{}.diff", "contest": "contests/{}.json"}
"""The fields of results whose artifacts are kept with the run, and their names in its archive, by SHA-256.

They are what models said, whole patches and open contests.
"""


class LogKeys(Protocol):
    """The key ring, whose master key seals logs."""

    def seal(self, data: bytes, context: bytes) -> tuple[bytes, bytes]:
        """Return the id of the key, and what it makes of the data."""
        ...

    def open(self, key: bytes, sealed: bytes, context: bytes) -> bytes | None:
        """Return the data, None where the key did not seal it; UsageError where the key is not there."""
        ...


class KeptArtifact(NamedTuple):
    """An artifact that a log names, and the field that names it."""

    field: str
    ref: ArtifactRef


class LogStore:
    """The table `run_logs`, and which artifacts belong to each run."""

    def __init__(self, pool: AsyncConnectionPool, keys: LogKeys) -> None:
        self._pool = pool
        self._keys = keys

    async def write(self, run_id: str, entries: Iterable[Entry]) -> None:
        """Keep the log of a run that is on record, in place of one that is there, and what the run's artifacts are."""
        async with self._pool.connection() as connection, connection.transaction():
            await self.write_within(connection, run_id, entries)

    async def write_within(self, connection: AsyncConnection[Any], run_id: str, entries: Iterable[Entry]) -> None:
        """Keep the log as `write` does, in a transaction that is under way."""
        kept = list(limit_entries(entries))
        sealed = self._keys.seal(zlib.compress(format_entries(kept).encode(), level=6), _CONTEXT + run_id.encode())
        addresses = [(run_id, bytes.fromhex(artifact.ref.sha256)) for artifact in list_artifacts(kept)]
        await connection.execute(
            "INSERT INTO run_logs (run_id, key, sealed) VALUES (%s, %s, %s) ON CONFLICT (run_id) DO UPDATE"
            " SET key = excluded.key, sealed = excluded.sealed, recorded_at = now()",
            (run_id, *sealed),
        )
        await connection.cursor().executemany(
            "INSERT INTO run_artifacts (run_id, sha256) VALUES (%s, %s) ON CONFLICT DO NOTHING", addresses
        )

    async def read(self, run_id: str) -> list[Entry] | None:
        """Return the log of a run, None where there is none; UsageError where its key is not there."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT key, sealed FROM run_logs WHERE run_id = %s", (run_id,))
            row = await cursor.fetchone()
        if row is None:
            return None
        opened = self._keys.open(bytes(row[0]), bytes(row[1]), _CONTEXT + run_id.encode())
        if opened is None:
            raise UsageError(f"The log of {run_id} was not written by HydraNet: restore the database from a backup.")
        text = zlib.decompressobj().decompress(opened, 2 * LOG_BYTES).decode()
        return [json.loads(line) for line in text.split("\n") if line]


def format_entries(entries: Iterable[Entry]) -> str:
    """Return entries as lines of JSON."""
    return "\n".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in entries)


def limit_entries(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the entries that a log has room for; the last says how many it had none for."""
    left, cut, last = LOG_BYTES, 0, None
    for entry in entries:
        last = entry
        size = len(json.dumps(entry).encode())
        if size > ENTRY_BYTES:
            entry = {**{name: value for name, value in entry.items() if isinstance(value, str)}, "cut": size}
            size = len(json.dumps(entry).encode())
        left -= size
        if left > 0 and size <= ENTRY_BYTES:
            yield entry
        else:
            cut += 1
    if cut and last is not None:
        yield {"time": last["time"], "event": "cut", "workflow": last["workflow"], "entries": cut}


def list_artifacts(entries: Sequence[Entry]) -> Iterator[KeptArtifact]:
    """Yield the artifacts that are kept with the run of a log, each once."""
    seen = set[str]()
    for entry in entries:
        result = entry.get("result")
        for field in KEPT:
            ref = _read_ref(result.get(field)) if isinstance(result, dict) else None
            if ref is not None and ref.sha256 not in seen:
                seen.add(ref.sha256)
                yield KeptArtifact(field, ref)


def _read_ref(value: Any) -> ArtifactRef | None:
    try:
        return ArtifactRef.model_validate(value)
    except ValueError:
        return None
