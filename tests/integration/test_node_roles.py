"""What the login of a node can do in the database: the least that its role needs."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege, OperationalError
from psycopg_pool import AsyncConnectionPool

from activities.artifacts.database import open_database
from activities.artifacts.node_roles import NodeRole, create_node_login, drop_node_login, renew_grants
from activities.artifacts.records import read_genealogy
from activities.artifacts.store import PostgresArtifacts, hash_content
from activities.artifacts.variables import SealedVariables
from activities.retrieval.fix_history import Fixes
from activities.retrieval.store import Blob, File, GraphStore
from activities.retrieval.tokens import Bags
from hydranet.errors import UsageError
from hydranet.settings import Settings
from workers.sealing import load_keys

PASSWORD = "hush-hush-4711"


@pytest.fixture
def node_name() -> str:
    # Roles belong to the whole server, which tests share.
    return uuid.uuid4().hex[:12]


@asynccontextmanager
async def joined(pool: AsyncConnectionPool, role: NodeRole, name: str) -> AsyncIterator[str]:
    """Yield the DSN of a node's login to the database of a pool."""
    login = await create_node_login(pool, role, name, PASSWORD)
    async with pool.connection() as connection:
        dsn = make_conninfo(connection.info.dsn, user=login, password=PASSWORD)
    try:
        yield dsn
    finally:
        await drop_node_login(pool, login)


@pytest.fixture
async def sandbox(pool: AsyncConnectionPool, node_name: str) -> AsyncIterator[AsyncConnectionPool]:
    """A pool of a sandbox node's."""
    async with joined(pool, "sandbox", node_name) as dsn, open_database(dsn) as opened:
        yield opened


@pytest.fixture
async def inference(pool: AsyncConnectionPool, node_name: str) -> AsyncIterator[AsyncConnectionPool]:
    async with joined(pool, "inference", node_name) as dsn, open_database(dsn) as opened:
        yield opened


async def tables(pool: AsyncConnectionPool) -> list[str]:
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return [name for (name,) in await cursor.fetchall()]


async def refused(pool: AsyncConnectionPool, statement: str) -> bool:
    async with pool.connection() as connection:
        try:
            await connection.execute(statement.encode())
        except InsufficientPrivilege:
            return True
    return False


async def test_a_sandbox_node_reads_and_writes_no_table(
    pool: AsyncConnectionPool, sandbox: AsyncConnectionPool
) -> None:
    names = await tables(pool)
    assert {"artifacts", "runs", "branches", "sandbox_variables", "migrations", "code_sources", "contract"} <= {*names}
    for name in names:
        assert await refused(sandbox, f"SELECT * FROM {name}")
        assert await refused(sandbox, f"INSERT INTO {name} DEFAULT VALUES")
        assert await refused(sandbox, f"DELETE FROM {name}")
    assert await refused(sandbox, "CREATE TABLE mine (a int)")
    assert await refused(sandbox, "CREATE ROLE mine")
    assert await refused(sandbox, "SET ROLE postgres")


async def test_a_sandbox_node_reads_an_artifact_by_its_hash_and_stores_one(
    pool: AsyncConnectionPool, sandbox: AsyncConnectionPool
) -> None:
    theirs, ours = PostgresArtifacts(sandbox), PostgresArtifacts(pool)
    ref = await ours.put(b"\x00\xff pack", "application/x-git")
    assert await theirs.get(ref) == b"\x00\xff pack"
    assert await ours.get(await theirs.put(b"log")) == b"log"
    assert (await theirs.put(b"log")).sha256 == hashlib.sha256(b"log").hexdigest()
    with pytest.raises(LookupError):
        await theirs.get(hash_content(b"unknown", "text/plain"))


async def test_content_under_a_wrong_hash_is_not_stored(sandbox: AsyncConnectionPool) -> None:
    ref = hash_content(b"right", "text/plain")
    async with sandbox.connection() as connection:
        values = bytes.fromhex(ref.sha256), "text/plain", b"wrong"
        cursor = await connection.execute("SELECT store_artifact(%b, %b, %b)", values)
        assert await cursor.fetchone() == (False,)
    with pytest.raises(LookupError):
        await PostgresArtifacts(sandbox).get(ref)
    assert await PostgresArtifacts(sandbox).put(b"right", "text/plain") == ref
    assert await PostgresArtifacts(sandbox).get(ref) == b"right"


async def test_a_sandbox_node_opens_a_variable_by_its_reference(
    pool: AsyncConnectionPool, sandbox: AsyncConnectionPool, tmp_path: Path
) -> None:
    keys = load_keys(Settings(data_dir=tmp_path))
    file = tmp_path / "node"
    file.touch(0o600)
    file.write_text(keys.export_role("sandbox"))
    references = await SealedVariables(pool, keys).keep("fix-a", {"TOKEN": PASSWORD})
    theirs = SealedVariables(sandbox, load_keys(Settings(seal_key_file=file)))
    assert await theirs.read(references) == {"TOKEN": PASSWORD}
    assert theirs.digest({"TOKEN": PASSWORD}) == SealedVariables(pool, keys).digest({"TOKEN": PASSWORD})


async def test_an_inference_node_builds_and_searches_the_graph_and_nothing_else(
    pool: AsyncConnectionPool, inference: AsyncConnectionPool
) -> None:
    store, fixes = GraphStore(inference), Fixes(inference)
    await store.add_sources({"aa": b"x = 1\n"})
    terms = Bags.joined([]).to_bytes()
    await store.add_blobs([Blob(b"blob", b"\xaa", "", None, terms)])
    await store.add_links({b"links": []})
    await store.add_tree(b"tree", b"parser", [File("a.py", b"blob", b"links")])
    await store.set_head("repository", "c0", b"tree", {})
    await store.add_vectors("model", {})
    assert (await store.load(b"tree")).nodes == []
    assert await store.vectors(b"tree", "model", []) is None
    assert await store.size() > 0
    await store.prune()
    await fixes.add("repository", "a.py", "f", {1: 1.0})
    assert [fix.path for fix in await fixes.of("repository")] == ["a.py"]
    assert await fixes.forget("repository") == 1
    ref = await PostgresArtifacts(inference).put(b"prompt")
    assert await PostgresArtifacts(inference).get(ref) == b"prompt"
    for name in await tables(pool):
        assert await refused(inference, f"SELECT * FROM {name}") is not name.startswith("code_")
    assert await refused(inference, "SELECT read_sandbox_variable('x')")


async def test_a_removed_login_is_shut_out_at_once(pool: AsyncConnectionPool, node_name: str) -> None:
    async with joined(pool, "sandbox", node_name) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            assert connection.info.user == f"hydra_sandbox_{node_name}"
            assert connection.execute("SELECT read_migrations()").fetchall()
            await drop_node_login(pool, connection.info.user)
            with pytest.raises(OperationalError):
                connection.execute("SELECT read_migrations()")
        with pytest.raises(UsageError, match="does not let you in"):
            async with open_database(dsn):
                pass


async def test_a_password_reaches_the_server_as_a_digest(pool: AsyncConnectionPool, node_name: str) -> None:
    async with joined(pool, "sandbox", node_name) as dsn, pool.connection() as connection:
        statement = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"
        login = f"hydra_sandbox_{node_name}"
        [(password,)] = await (await connection.execute(statement, (login,))).fetchall()
        assert password.startswith("SCRAM-SHA-256$")
        # A node that joins again has another password.
        await create_node_login(pool, "sandbox", node_name, "other")
        with pytest.raises(OperationalError, match="authentication failed"):
            psycopg.connect(dsn)


async def test_an_owner_without_superuser_sets_up_all(postgres: str, node_name: str) -> None:
    owner = f"owner_{node_name}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {owner} CREATEROLE".encode())
        connection.execute(f"CREATE DATABASE {owner} OWNER {owner}".encode())
    dsn = make_conninfo(postgres, dbname=owner)
    theirs = make_conninfo(dsn, options=f"-c role={owner}")
    try:
        with pytest.raises(UsageError, match="have an administrator run CREATE EXTENSION vector in it"):
            async with open_database(theirs):
                pass
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
        async with open_database(theirs) as pool:
            await GraphStore(pool).add_vectors("model", {})
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {owner}".encode())
            connection.execute(f"DROP ROLE {owner}".encode())


@pytest.mark.parametrize("role", ["sandbox", "inference"])
async def test_a_node_of_another_version_is_told_which_side_is_older(
    pool: AsyncConnectionPool, node_name: str, role: NodeRole
) -> None:
    async with joined(pool, role, node_name) as dsn:
        async with pool.connection() as connection:
            await connection.execute("INSERT INTO migrations (name) VALUES ('activities.retrieval/0099_later.sql')")
        for place in (dsn, make_conninfo(dsn, user="postgres")):
            with pytest.raises(UsageError, match=r"is of a newer version .* \(.*0099_later.sql\): install the newer"):
                async with open_database(place):
                    pass
        async with pool.connection() as connection:
            await connection.execute("DELETE FROM migrations WHERE name LIKE '%%/0099%%' OR name LIKE '%%/0003%%'", ())
        with pytest.raises(UsageError, match=r"is of an older version .*it lacks .*0003_.*install this version where"):
            async with open_database(dsn):
                pass


async def test_a_name_that_the_database_would_cut_is_refused(pool: AsyncConnectionPool) -> None:
    with pytest.raises(UsageError, match="too long"):
        await create_node_login(pool, "sandbox", "n" * 60, PASSWORD)
    with pytest.raises(UsageError, match="no login of a node"):
        await drop_node_login(pool, "postgres")


async def test_a_name_is_no_statement(pool: AsyncConnectionPool, node_name: str) -> None:
    async with joined(pool, "sandbox", f'{node_name}"; DROP TABLE runs') as dsn, open_database(dsn):
        pass
    assert "runs" in await tables(pool)


async def test_a_migration_renews_the_grants_of_nodes_of_its_own_database_alone(
    pool: AsyncConnectionPool,
    fresh: Callable[[], AbstractAsyncContextManager[AsyncConnectionPool]],
    node_name: str,
) -> None:
    async with joined(pool, "inference", node_name) as dsn, fresh() as other:
        async with pool.connection() as connection:
            await connection.execute("REVOKE ALL ON code_files FROM hydra_inference")
            await renew_grants(connection)
        async with open_database(dsn) as inference:
            assert not await refused(inference, "SELECT * FROM code_files")
        async with other.connection() as connection:
            await renew_grants(connection)
            elsewhere = connection.info.dbname
        with pytest.raises(UsageError, match="permission denied"):
            async with open_database(make_conninfo(dsn, dbname=elsewhere)):
                pass


async def test_a_command_on_a_node_says_where_to_run_it(pool: AsyncConnectionPool, node_name: str) -> None:
    async with joined(pool, "inference", node_name) as dsn:
        with pytest.raises(
            UsageError, match=r"permission denied for table runs\): run the command where the stack was"
        ):
            async with open_database(dsn) as opened:
                await read_genealogy(opened, "fix-a")
