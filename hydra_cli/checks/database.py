"""The checks of the database: version, pgvector, tables, rights, and whether what is sent is encrypted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from activities.artifacts.database import OLDEST_VERSION, connect_once, list_migrations
from activities.inference.addresses import is_loopback
from hydra_cli.checks.placed import PlacedCheck, report, report_error
from hydranet.contracts import Level
from hydranet.errors import UsageError
from hydranet.text.formatting import format_size

WHERE = "PostgreSQL"

# The tables by their names, as expressions of PostgreSQL.
_ARTIFACTS, _RECORDS, _GRAPH = "^artifacts$", "^(runs|branches|run_logs|run_artifacts)$", "^code_"


async def check_database(dsn: str) -> AsyncIterator[PlacedCheck]:
    """Yield how the database is; nothing in it is changed."""
    from psycopg import Error

    try:
        connection = await connect_once(dsn)
    except UsageError as error:
        yield report_error(WHERE, "connection", error)
        return
    try:
        async with connection:
            for finding in [
                _check_version(connection),
                _check_encryption(connection),
                await _check_vectors(connection),
                await _check_tables(connection),
                await _measure_tables(connection),
            ]:
                yield finding
    except Error as error:
        reason = next(iter(str(error).splitlines()), "")
        yield report(WHERE, "rights", f"it does not answer our questions ({reason})", Level.FAIL, "See its log.")


async def _measure_tables(connection: Any) -> PlacedCheck:
    sizes = [
        f"{what} {format_size(await _measure(connection, tables))}"
        for what, tables in {"artifacts": _ARTIFACTS, "records": _RECORDS, "code graph": _GRAPH}.items()
    ]
    return report(WHERE, "size", f"{', '.join(sizes)} (`hydra clean` removes what is old)")


async def _measure(connection: Any, tables: str) -> int:
    query = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class WHERE relkind = 'r'"
    cursor = await connection.execute(f"{query} AND relname ~ %s", (tables,))
    return int((await cursor.fetchone())[0])


def _check_version(connection: Any) -> PlacedCheck:
    number = connection.info.server_version
    text = f"{number // 10_000}.{number % 10_000}, at {connection.info.host or 'its socket'}"
    if number >= OLDEST_VERSION * 10_000:
        return report(WHERE, "version", text)
    remedy = f"Name one of version {OLDEST_VERSION} or newer in 'database'."
    return report(WHERE, "version", text, Level.FAIL, remedy)


def _check_encryption(connection: Any) -> PlacedCheck:
    host = connection.info.host
    if connection.pgconn.ssl_in_use or not host or host.startswith("/") or is_loopback(host):
        return report(WHERE, "TLS", "in use" if connection.pgconn.ssl_in_use else "not needed on this machine")
    remedy = "Add sslmode=verify-full to 'database', with sslrootcert for an authority of your own."
    return report(WHERE, "TLS", "not in use, so that code and records pass in clear", Level.WARN, remedy)


async def _check_vectors(connection: Any) -> PlacedCheck:
    query = (
        "SELECT installed_version, default_version,"
        " (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
        " OR (trusted AND has_database_privilege(current_database(), 'CREATE'))"
        " FROM pg_available_extensions JOIN pg_available_extension_versions USING (name)"
        " WHERE name = 'vector' AND version = default_version"
    )
    row = await (await connection.execute(query)).fetchone()
    if row is None:
        remedy = "Install pgvector on the machine of the database, or name another 'database'."
        return report(WHERE, "pgvector", "it is not installed there", Level.FAIL, remedy)
    installed, available, adds = row
    if installed is None and adds:
        return report(WHERE, "pgvector", f"{available} is there: the next supervisor or `hydra fix` adds it")
    if installed is None:
        text, remedy = f"{available} is there, and not in this database yet", "Run CREATE EXTENSION vector in it."
        return report(WHERE, "pgvector", text, Level.WARN, remedy)
    return report(WHERE, "pgvector", str(installed))


async def _check_tables(connection: Any) -> PlacedCheck:
    creating, existing = "has_schema_privilege(current_schema(), 'CREATE')", "to_regclass('migrations') IS NOT NULL"
    query = f"SELECT current_user, {creating}, {existing}"
    user, creates, exist = await (await connection.execute(query)).fetchone()
    known = set(list_migrations())
    readable = (
        exist and (await (await connection.execute("SELECT has_table_privilege('migrations', 'SELECT')")).fetchone())[0]
    )
    applied = (
        {name for (name,) in await (await connection.execute("SELECT name FROM migrations")).fetchall()}
        if readable
        else set()
    )
    if readable and known <= applied:
        newer = len(applied - known)
        text = f"the tables are those of this version, and {user} may use them"
        if newer:
            remedy = "Update this machine."
            return report(WHERE, "tables", "they are of a newer version than this machine's", Level.WARN, remedy)
        return report(WHERE, "tables", text)
    if creates:
        missing = f"{len(known - applied)} of {len(known)} migrations are still to run"
        return report(WHERE, "tables", f"{missing}: the next supervisor or `hydra fix` runs them")
    if exist and not readable:
        return report(WHERE, "tables", f"{user} is a login of a node, with the rights of its role")
    remedy = "Let the user create tables (GRANT CREATE ON SCHEMA public), or start a newer supervisor first."
    return report(WHERE, "tables", f"they are missing or older, and {user} may not make them", Level.FAIL, remedy)
