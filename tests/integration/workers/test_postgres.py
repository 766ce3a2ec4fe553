"""The embedded PostgreSQL: its user alone reaches it, and it ends with who started it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from activities.artifacts.database import open_database
from hydranet.errors import UsageError
from workers.postgres import Postgres, open_postgres

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hydra-") as name:
        yield Path(name)


def opened(folder: Path) -> AbstractContextManager[Postgres]:
    return open_postgres(folder / "data", folder, folder / "log")


def servers(folder: Path) -> list[psutil.Process]:
    running = psutil.process_iter(["cmdline"])
    return [process for process in running if str(folder) in " ".join(process.info["cmdline"] or [])]


def test_what_is_stored_is_there_the_next_time(folder: Path) -> None:
    for number in range(2):
        with (
            opened(folder) as server,
            psycopg.connect(server.dsn) as connection,
        ):
            connection.execute("CREATE TABLE IF NOT EXISTS t (n integer)")
            connection.execute("INSERT INTO t VALUES (%s)", [number])
    with opened(folder) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)
    assert servers(folder) == []


async def test_who_is_connected_goes_on_after_the_server_was_killed(folder: Path) -> None:
    with opened(folder) as server:
        async with open_database(server.dsn) as pool:
            for process in servers(folder):
                with contextlib.suppress(psutil.NoSuchProcess):  # which ended with the one before it
                    process.kill()
                    process.wait(10)
            assert server.has_ended()
            server.start()
            for _ in range(3):
                async with pool.connection() as connection:
                    cursor = await connection.execute("SELECT count(*) FROM migrations")
                    assert await cursor.fetchone() != (0,)


def test_it_listens_on_no_port(folder: Path) -> None:
    with opened(folder):
        assert servers(folder)
        assert [c for process in servers(folder) for c in process.net_connections("inet")] == []


def connect_as_nobody(host: str, role: str, answered: Connection) -> None:
    """Give up root's rights, connect, and send how the server refuses: empty where it does not."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    try:
        psycopg.connect(host=host, user=role, dbname="postgres").close()
    except psycopg.OperationalError as error:
        answered.send(str(error))
    else:
        answered.send("")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
@pytest.mark.parametrize("role", ["postgres", "nobody", "hydranet", "root"])
def test_another_user_is_refused_whatever_role_they_name(folder: Path, role: str) -> None:
    with opened(folder) as server:
        # As if the folder's permissions did not hold.
        folder.chmod(0o755)
        (folder / ".s.PGSQL.5432").chmod(0o777)
        host = str(conninfo_to_dict(server.dsn)["host"])
        answer, answered = multiprocessing.Pipe(duplex=False)
        # A fork, since another user may not be able to start this Python.
        child = multiprocessing.get_context("fork").Process(target=connect_as_nobody, args=(host, role, answered))
        child.start()
        assert answer.poll(30)
        refusal = answer.recv()
        child.join()
        assert "Peer authentication failed" in refusal or "not exist" in refusal, refusal


def test_other_users_see_nothing_of_its_files(folder: Path) -> None:
    with opened(folder):
        assert (folder / "data").stat().st_mode & 0o077 == 0
        assert (folder / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root had its database owned by another user")
def test_a_database_that_another_user_owned_and_that_let_in_everybody_is_taken_over(folder: Path) -> None:
    with opened(folder) as server, psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE t (n integer)")
    (folder / "data" / "pg_hba.conf").write_text("local all all trust\n")
    (folder / "data" / "postmaster.pid").write_text("1\n/nowhere\n")
    for path in [folder / "data", *(folder / "data").rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    with opened(folder) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert (folder / "data").stat().st_uid == 0


def test_it_ends_with_the_process_that_started_it(folder: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from workers.postgres import open_postgres\n"
        "folder = Path(sys.argv[1])\n"
        "with open_postgres(folder / 'data', folder, folder / 'log'):\n"
        "    print('ready', flush=True); time.sleep(1000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"ready\n"
        left = [process for process in servers(folder) if process.pid != starter.pid]
        assert left
        starter.kill()
    _, alive = psutil.wait_procs(left, timeout=20)
    assert alive == []
    # What was not written is recovered.
    with opened(folder) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_database_of_another_version_is_told(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(UsageError, match="of PostgreSQL 12"), opened(folder):
        pass


def test_a_setup_that_was_interrupted_is_made_again(folder: Path) -> None:
    (folder / "data.partial").mkdir()
    (folder / "data.partial" / "PG_VERSION").write_text("18\n")
    with opened(folder) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not (folder / "data.partial").exists()
