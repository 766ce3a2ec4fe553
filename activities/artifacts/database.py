"""The PostgreSQL database behind artifacts, records and the code graph."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

from hydranet.errors import UsageError

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

_PACKAGES = ("activities.artifacts", "activities.retrieval")
_MIGRATION_LOCK = 4_861_002

# How long a connection is waited for. A server that is there answers within milliseconds.
CONNECT_SECONDS = 10.0


@asynccontextmanager
async def open_database(dsn: str) -> AsyncIterator[AsyncConnectionPool]:
    """Open a pool of connections to `dsn`, and bring its tables to this version.

    Raises UsageError where no PostgreSQL with pgvector answers there.
    """
    from psycopg_pool import AsyncConnectionPool

    await _check_server(dsn)
    async with AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=8,
        open=False,
        kwargs={"autocommit": True},
        timeout=CONNECT_SECONDS,
        # The pool tries at ever longer intervals: given up, it begins anew when it is asked, and so at once.
        reconnect_timeout=CONNECT_SECONDS,
        # A server that was started again has closed what the pool still holds.
        check=AsyncConnectionPool.check_connection,
    ) as pool:
        with _explain(dsn):
            await migrate(pool)
        yield pool


async def _check_server(dsn: str) -> None:
    # A pool would try to connect for as long as it may, and hides the reason.
    from psycopg import AsyncConnection, OperationalError, ProgrammingError

    try:
        connection = await AsyncConnection.connect(dsn, connect_timeout=int(CONNECT_SECONDS))
    except OperationalError as error:
        raise UsageError(
            f"PostgreSQL does not answer at {_describe_place(dsn)} ({_shorten(error)}): start it, "
            "or correct 'database'."
        ) from None
    except ProgrammingError:
        raise UsageError("The setting 'database' is no address: write postgresql://USER:PASSWORD@HOST/NAME.") from None
    await connection.close()


@contextmanager
def _explain(dsn: str) -> Iterator[None]:
    """Turn what a database refuses of our tables into the sentence that says what to do."""
    from psycopg import Error
    from psycopg.errors import FeatureNotSupported, InsufficientPrivilege, UndefinedFile

    place = _describe_place(dsn)
    try:
        yield
    except (FeatureNotSupported, UndefinedFile):
        raise UsageError(
            f"PostgreSQL at {place} lacks pgvector: install the extension on its machine, or name another 'database'."
        ) from None
    except InsufficientPrivilege as error:
        raise UsageError(
            f"The database at {place} does not let its user set it up ({_shorten(error)}): have an administrator "
            "run CREATE EXTENSION vector in it, and let the user create tables."
        ) from None
    except Error as error:
        raise UsageError(f"The database at {place} cannot be used ({_shorten(error)}): correct 'database'.") from None


def _describe_place(dsn: str) -> str:
    """Return where a DSN leads: without its password, which nothing may print."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(dsn)
    except ProgrammingError:
        return "the address in 'database'"
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"


def _shorten(error: Exception) -> str:
    """Return the reason in what PostgreSQL's client says of a connection, line by line and address by address."""
    return (str(error).splitlines() or [type(error).__name__])[0].rpartition("failed: ")[2].rstrip(".")


async def migrate(pool: AsyncConnectionPool) -> None:
    """Run the migrations that the database has not seen: all of them, or none when one fails."""
    async with pool.connection() as connection, connection.transaction():
        # CREATE IF NOT EXISTS alone fails when two workers start at once.
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        cursor = await connection.execute("SELECT name FROM migrations")
        applied = {name for (name,) in await cursor.fetchall()}
        for name, script in _migrations():
            if name not in applied:
                await connection.execute(script)
                await connection.execute("INSERT INTO migrations (name) VALUES (%s)", (name,))


def _migrations() -> Iterator[tuple[str, bytes]]:
    for package in _PACKAGES:
        folder = files(package).joinpath("migrations")
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name.endswith(".sql"):
                yield f"{package}/{file.name}", file.read_bytes()
