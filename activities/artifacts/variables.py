"""The values of `sandbox.env`: sealed rows of the database, which a run knows by reference."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from hydranet.errors import FatalError

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

# What is sealed for this is nothing else, and stands under no other reference.
_CONTEXT = b"hydranet sandbox variable 1 "
_DIGEST = b"hydranet sandbox variables 1"
# A row is written before its run starts, so a new one may belong to no run yet.
_SWEEP_AGE = "1 hour"
# A node of this role has no other key.
_ROLE = "sandbox"


class Keys(Protocol):
    """The key ring that seals values for a role."""

    def seal(self, data: bytes, context: bytes, role: str) -> tuple[bytes, bytes]:
        """Return the id of the key, and what it makes of the data."""
        ...

    def open(self, key: bytes, sealed: bytes, context: bytes, role: str) -> bytes | None:
        """Return the data, None where the key did not seal it; UsageError where the key is not there."""
        ...

    def digest(self, data: bytes, context: bytes, role: str) -> str:
        """Return a digest from which nobody without the key can guess the data."""
        ...


class VariableStore(Protocol):
    """Where a sandbox worker finds the values of variables."""

    async def read(self, references: Mapping[str, str]) -> dict[str, str]:
        """Return the values by name; FatalError when one is not kept any more."""
        ...

    def digest(self, values: Mapping[str, str]) -> str:
        """Return what tells these values from others, and does not tell what they are; empty without any."""
        ...


class SealedVariables:
    """Values in the table `sandbox_variables`, each under a random reference."""

    def __init__(self, pool: AsyncConnectionPool, keys: Keys) -> None:
        self._pool = pool
        self._keys = keys

    async def keep(self, run_id: str, values: Mapping[str, str]) -> dict[str, str]:
        """Keep the values of a run, and return their references by name."""
        references = {name: uuid.uuid4().hex for name in values}
        rows = [
            (reference, run_id, *self._keys.seal(values[name].encode(), _CONTEXT + reference.encode(), _ROLE))
            for name, reference in references.items()
        ]
        async with self._pool.connection() as connection, connection.transaction():
            await connection.cursor().executemany(
                "INSERT INTO sandbox_variables (reference, run_id, key, sealed) VALUES (%s, %s, %s, %s)", rows
            )
        return references

    async def read(self, references: Mapping[str, str]) -> dict[str, str]:
        """Return the values by name; FatalError when one is not kept any more."""
        if not references:
            return {}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT reference, key, sealed FROM unnest(%s::text[]) AS wanted (reference),"
                " read_sandbox_variable(reference)",
                (list(references.values()),),
            )
            rows = {reference: (bytes(key), bytes(sealed)) for reference, key, sealed in await cursor.fetchall()}
        return {name: self._open(name, reference, rows.get(reference)) for name, reference in references.items()}

    def _open(self, name: str, reference: str, row: tuple[bytes, bytes] | None) -> str:
        opened = self._keys.open(*row, _CONTEXT + reference.encode(), _ROLE) if row else None
        if opened is None:
            raise missing_value(name)
        return opened.decode()

    def digest(self, values: Mapping[str, str]) -> str:
        """Return what tells these values from others, and does not tell what they are; empty without any."""
        return digest_values(self._keys, values)

    async def remove(self, references: Iterable[str]) -> None:
        """Remove values by their references."""
        async with self._pool.connection() as connection:
            await connection.execute("DELETE FROM sandbox_variables WHERE reference = ANY(%s)", (list(references),))


async def remove_variables(pool: AsyncConnectionPool, run_id: str) -> None:
    """Remove all values of a run."""
    async with pool.connection() as connection:
        await connection.execute("DELETE FROM sandbox_variables WHERE run_id = %s", (run_id,))


async def sweep_variables(pool: AsyncConnectionPool, is_open: Callable[[str], Awaitable[bool]]) -> None:
    """Remove the old values of runs that are not open, such as one that was terminated."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT run_id FROM sandbox_variables GROUP BY run_id HAVING max(created_at) < now() - %s::interval",
            (_SWEEP_AGE,),
        )
        runs = [run_id for (run_id,) in await cursor.fetchall()]
    for run_id in runs:
        if not await is_open(run_id):
            await remove_variables(pool, run_id)


class HeldVariables:
    """Values in memory, for a process that makes them and uses them itself."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._values: dict[str, str] = {}

    def hold(self, values: Mapping[str, str]) -> dict[str, str]:
        """Hold values, and return their references by name."""
        references = {name: uuid.uuid4().hex for name in values}
        self._values |= {reference: values[name] for name, reference in references.items()}
        return references

    async def read(self, references: Mapping[str, str]) -> dict[str, str]:
        """Return the values by name; FatalError when one is not held."""
        if missing := [name for name, reference in references.items() if reference not in self._values]:
            raise missing_value(missing[0])
        return {name: self._values[reference] for name, reference in references.items()}

    def digest(self, values: Mapping[str, str]) -> str:
        """Return what tells these values from others, and does not tell what they are; empty without any."""
        return digest_values(self._keys, values)


def digest_values(keys: Keys, values: Mapping[str, str]) -> str:
    """Return a digest of the values under the keys; empty without any."""
    return keys.digest(json.dumps(sorted(values.items())).encode(), _DIGEST, _ROLE) if values else ""


def missing_value(name: str) -> FatalError:
    """Return the error of a value that is not kept any more."""
    return FatalError(
        f"The value of {name!r} in 'sandbox.env' is not kept any more, since its run has ended: start a run anew."
    )
