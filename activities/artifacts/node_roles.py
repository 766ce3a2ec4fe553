"""Database roles of nodes: what a node of one role may do in the database, and a login for each node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

from hydranet.errors import UsageError

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

NodeRole = Literal["sandbox", "inference"]

_FUNCTIONS = ("read_artifact(bytea)", "store_artifact(bytea, text, bytea)", "read_migrations()", "read_contract()")
_GRANTS: dict[NodeRole, tuple[str, ...]] = {
    "sandbox": ("read_sandbox_variable(text)",),
    "inference": ("find_watches(text[])",),
}
# The code graph is built and searched by inference nodes alone.
_TABLES = (
    *("code_sources", "code_blobs", "code_nodes", "code_links", "code_edges", "code_trees", "code_files", "code_heads"),
    *("code_vectors", "code_fixes"),
)
_NAME_BYTES = 63  # of PostgreSQL, which cuts longer ones
# A worker's pool holds eight; while it is started again, those of the old one may not have ended.
_CONNECTIONS = 24


async def create_node_login(pool: AsyncConnectionPool, role: NodeRole, node: str, password: str) -> str:
    """Make the login of a node that has a role, and return its name; a login of that name is replaced.

    Raises UsageError where the name is too long, or the pool's user may not make roles.
    """
    from psycopg import sql

    login, group = f"{_name_group(role)}_{node}", _name_group(role)
    if len(login.encode()) > _NAME_BYTES or "\0" in login:
        raise UsageError(
            f"The name of the node '{node}' is too long for a login of the database: choose a shorter one."
        )
    async with _administer(pool) as connection:
        await _create_group(connection, group)
        await _grant(connection, role)
        await _drop(connection, login)
        # Sealed here, so that the server's log and statistics do not learn the password.
        sealed = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
        statement = "CREATE ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {} IN ROLE {}"
        values = sql.Identifier(login), sql.Literal(_CONNECTIONS), sql.Literal(sealed), sql.Identifier(group)
        await connection.execute(sql.SQL(statement).format(*values))
    return login


async def drop_node_login(pool: AsyncConnectionPool, login: str) -> None:
    """Remove the login of a node, and end its connections; one that is not there is as good as removed."""
    if not login.startswith(tuple(f"{_name_group(role)}_" for role in _GRANTS)):
        raise UsageError(f"'{login}' is no login of a node.")
    async with _administer(pool) as connection:
        await _drop(connection, login)


async def renew_grants(connection: AsyncConnection[Any]) -> None:
    """Grant the roles that nodes of this database have what a migration may have added."""
    for role in _GRANTS:
        cursor = await connection.execute(
            "SELECT has_function_privilege(oid, 'read_artifact(bytea)', 'EXECUTE') FROM pg_roles WHERE rolname = %s",
            (_name_group(role),),
        )
        # Another database of the same server may have nodes, which have no business here.
        if await cursor.fetchone() == (True,):
            await _grant(connection, role)


def _name_group(role: str) -> str:
    return f"hydra_{role}"


@asynccontextmanager
async def _administer(pool: AsyncConnectionPool) -> AsyncIterator[AsyncConnection[Any]]:
    from psycopg.errors import InsufficientPrivilege

    try:
        async with pool.connection() as connection, connection.transaction():
            yield connection
    except InsufficientPrivilege as error:
        reason = (str(error).splitlines() or [""])[0]
        raise UsageError(
            f"The user of the database may not make roles for nodes ({reason}): have an administrator run "
            "ALTER ROLE ... CREATEROLE for it."
        ) from None


async def _create_group(connection: AsyncConnection[Any], group: str) -> None:
    from psycopg import sql

    cursor = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (group,))
    if await cursor.fetchone() is None:
        await connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(group)))


async def _grant(connection: AsyncConnection[Any], role: NodeRole) -> None:
    from psycopg import sql

    group = sql.Identifier(_name_group(role))
    functions = sql.SQL(", ".join((*_FUNCTIONS, *_GRANTS[role])))
    await connection.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(functions, group))
    if role == "inference":
        tables = sql.SQL(", ").join(map(sql.Identifier, _TABLES))
        await connection.execute(sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}").format(tables, group))


async def _drop(connection: AsyncConnection[Any], login: str) -> None:
    from psycopg import sql

    # First, so that no connection begins after those of now have been ended.
    cursor = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (login,))
    if await cursor.fetchone() is None:
        return
    await connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(login)))
    # Who is no superuser could not end its connections otherwise. It goes with the role.
    await connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(login)))
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", (login,)
    )
    await connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))
