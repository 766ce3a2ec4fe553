"""The PostgreSQL database behind artifacts, records and the code graph.

Its owner brings its tables to this version. The login of a node only checks that they have it.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

from activities.artifacts.node_roles import renew_grants
from hydranet.errors import UsageError

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

_PACKAGES = ("activities.artifacts", "activities.retrieval")
_MIGRATION_LOCK = 4_861_002

# How long a connection is waited for. A server that is there answers within milliseconds.
CONNECT_SECONDS = 10.0
# A command has to say within five seconds what is wrong.
_CHECK_SECONDS = 3.5

OLDEST_VERSION = 16

# A connection that says nothing is given up after 14 seconds, one whose packets are not acknowledged after 12.
_LIMITS = {
    "connect_timeout": "10",
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "12000",
}


@asynccontextmanager
async def open_database(dsn: str) -> AsyncIterator[AsyncConnectionPool]:
    """Open a pool of connections to `dsn`, whose tables have this version; its owner brings them to it.

    Raises UsageError where no PostgreSQL with pgvector answers there, or its tables are of another version.
    """
    from psycopg.errors import InsufficientPrivilege
    from psycopg_pool import AsyncConnectionPool

    from activities.artifacts.watched_connection import WatchedConnection

    dsn = _add_limits(dsn)
    await _check_server(dsn)

    async def watch(connection: AsyncConnection) -> None:
        assert isinstance(connection, WatchedConnection)
        connection.watch(dsn)

    async def check(connection: AsyncConnection) -> None:
        assert isinstance(connection, WatchedConnection)
        await connection.check()

    connection_class: type[AsyncConnection] = WatchedConnection
    async with AsyncConnectionPool(
        dsn,
        connection_class=connection_class,
        configure=watch,
        min_size=1,
        max_size=8,
        open=False,
        kwargs={"autocommit": True},
        timeout=CONNECT_SECONDS,
        # The pool tries at ever longer intervals: given up, it begins anew when it is asked, and so at once.
        reconnect_timeout=CONNECT_SECONDS,
        # A server that was started again has closed what the pool still holds.
        check=check,
    ) as pool:
        with _explain(dsn):
            names = await (migrate(pool) if await _is_owner(pool) else _read_migrations(pool))
        _check_version(dsn, names)
        try:
            yield pool
        except InsufficientPrivilege as error:
            raise UsageError(
                f"The user of the database may not do that ({_shorten(str(error))}): run the command where the stack "
                "was set up."
            ) from None


async def _check_server(dsn: str) -> None:
    # A pool would try to connect for as long as it may, and hides the reason.
    connection = await connect_once(dsn)
    version = connection.info.server_version
    await connection.close()
    if version < OLDEST_VERSION * 10_000:
        raise UsageError(
            f"PostgreSQL at {_describe_place(dsn)} has version {version // 10_000}: "
            f"name one of version {OLDEST_VERSION} or newer in 'database'."
        )


async def connect_once(dsn: str) -> AsyncConnection:
    """Return a connection of its own, with autocommit; UsageError, which says why, where there is none in time."""
    from psycopg import AsyncConnection, OperationalError, ProgrammingError

    try:
        # Each address of a host gets the time of `connect_timeout` anew.
        return await asyncio.wait_for(AsyncConnection.connect(_add_limits(dsn), autocommit=True), _CHECK_SECONDS)
    except TimeoutError:
        raise UsageError(
            f"PostgreSQL does not answer at {_describe_place(dsn)} in time: start it, correct 'database', "
            "or open the way to it in the firewalls."
        ) from None
    except OperationalError as error:
        raise UsageError(_explain_refusal(dsn, str(error))) from None
    except ProgrammingError:
        raise UsageError("The setting 'database' is no address: write postgresql://USER:PASSWORD@HOST/NAME.") from None


# A part of the client's words, what it means of "PostgreSQL at PLACE", and what to do.
_REFUSALS = {
    'database ".*" does not exist': ("has no such database", "create it (createdb), or correct its name in 'database'"),
    "authentication failed|no password supplied|role .* does not exist|pg_hba.conf|not permitted to log in": (
        "does not let you in",
        "correct user and password in 'database', PGPASSWORD or the password file, or ask whoever runs it for access",
    ),
    "SSL|certificate": ("cannot be trusted or does not trust you", "correct sslmode and its certificates"),
    "starting up|shutting down|recovery|too many clients|remaining connection slots": (
        "takes no connection now",
        "run the command again in a moment",
    ),
    "connection is bad: (?!connection to)": ("is not named rightly", "correct 'database' or the variables PG*"),
    "resolve host|translate host": ("is not known by that name", "correct the host in 'database' or PGHOST"),
}


def _explain_refusal(dsn: str, text: str) -> str:
    reason = _shorten(text)
    for pattern, (cause, remedy) in _REFUSALS.items():
        if re.search(pattern, text):
            return f"PostgreSQL at {_describe_place(dsn)} {cause} ({reason}): {remedy}."
    return f"PostgreSQL does not answer at {_describe_place(dsn)} ({reason}): start it, or correct 'database'."


def _add_limits(dsn: str) -> str:
    """Return the DSN with limits for a network that drops packets, where it sets none itself.

    Without them a query waits for as long as the system sends again: minutes.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    try:
        known = conninfo_to_dict(dsn)
    except ProgrammingError:
        return dsn  # which the check refuses
    if "PGCONNECT_TIMEOUT" in os.environ:
        known["connect_timeout"] = os.environ["PGCONNECT_TIMEOUT"]
    return make_conninfo(dsn, **{name: value for name, value in _LIMITS.items() if name not in known})


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
            f"The database at {place} does not let its user set it up ({_shorten(str(error))}): have an administrator "
            "run CREATE EXTENSION vector in it, and let the user create tables."
        ) from None
    except Error as error:
        raise UsageError(
            f"The database at {place} cannot be used ({_shorten(str(error))}): correct 'database'."
        ) from None


def _describe_place(dsn: str) -> str:
    """Return where a DSN leads: without its password, which nothing may print."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(dsn)
    except ProgrammingError:
        return "the address in 'database'"
    if service := parts.get("service") or os.environ.get("PGSERVICE"):
        return f"the service '{service}'"
    host = parts.get("host") or parts.get("hostaddr") or os.environ.get("PGHOST") or os.environ.get("PGHOSTADDR")
    if not host:
        return "its socket on this machine"
    return f"{host}:{parts.get('port') or os.environ.get('PGPORT') or 5432}"


def _shorten(text: str) -> str:
    """Return the reason in what PostgreSQL's client says of a connection, line by line and address by address."""
    first = (text.splitlines() or ["without a reason"])[0]
    return first.rpartition("failed: ")[2].removeprefix("connection is bad: ").removeprefix("FATAL:  ").rstrip(".")


async def _is_owner(pool: AsyncConnectionPool) -> bool:
    """Return whether the tables are this user's to make: they are there and are, or are not there yet."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT to_regclass('migrations') IS NULL OR has_table_privilege(to_regclass('migrations'), 'INSERT')"
        )
        return await cursor.fetchone() == (True,)


async def _read_migrations(pool: AsyncConnectionPool) -> set[str]:
    from psycopg.errors import UndefinedFunction

    async with pool.connection() as connection:
        try:
            cursor = await connection.execute("SELECT read_migrations()")
        except UndefinedFunction:
            return set()
        return {name for (name,) in await cursor.fetchall()}


def _check_version(dsn: str, applied: set[str]) -> None:
    known = set(list_migrations())
    place = _describe_place(dsn)
    if newer := sorted(applied - known):
        raise UsageError(
            f"The database at {place} is of a newer version of HydraNet than this machine's ({newer[-1]}): "
            "install the newer one here."
        )
    if missing := sorted(known - applied):
        raise UsageError(
            f"The database at {place} is of an older version of HydraNet than this machine's (it lacks {missing[0]}): "
            "install this version where the stack was set up and start it, or the older one here."
        )


async def migrate(pool: AsyncConnectionPool) -> set[str]:
    """Run the migrations that the database has not seen, all of them or none when one fails, and name those it has."""
    async with pool.connection() as connection, connection.transaction():
        # CREATE IF NOT EXISTS alone fails when two workers start at once.
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        cursor = await connection.execute("SELECT name FROM migrations")
        applied = {name for (name,) in await cursor.fetchall()}
        missing = [name for name in list_migrations() if name not in applied]
        for name in missing:
            await connection.execute(_read_script(name))
            await connection.execute("INSERT INTO migrations (name) VALUES (%s)", (name,))
        if missing:
            await renew_grants(connection)
    return applied.union(missing)


def list_migrations() -> list[str]:
    """Return the names of the migrations of this version, in order."""
    folders = {package: files(package).joinpath("migrations") for package in _PACKAGES}
    return [
        f"{package}/{name}"
        for package, folder in folders.items()
        for name in sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    ]


def _read_script(migration: str) -> bytes:
    package, _, name = migration.partition("/")
    return files(package).joinpath("migrations", name).read_bytes()
