"""`hydra doctor` with real servers: each cause is named, with what to do, and nothing is started or changed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from activities.artifacts.database import list_migrations, open_database
from hydra_cli.checks.database import check_database
from hydranet.contracts import Check, Level
from tests.tls import Authority, open_front
from tests.workflows.environment import dev_server

HYDRA = Path(sysconfig.get_path("scripts")) / "hydra"


def run_doctor(folder: Path, **variables: str | Path) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    """Return the exit code and the checks by place and name."""
    own = {"HYDRA_DATA_DIR": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "HYDRA_", "PG"))}
    environment = {**kept, **own, **{name: str(value) for name, value in variables.items()}}
    done = subprocess.run([HYDRA, "doctor", "--json"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, {(check["where"], check["name"]): check for check in json.loads(done.stdout)}


def test_without_a_stack_this_machine_is_checked_and_nothing_is_started(tmp_path: Path) -> None:
    code, checks = run_doctor(tmp_path)
    assert code == 0
    assert {"version", "git", "disk", "docker", "bubblewrap", "user namespaces", "stack"} <= {
        name for _, name in checks
    }
    assert not (tmp_path / "data" / "logs").exists()


@pytest.mark.parametrize(
    ("address", "name", "text"),
    [
        ("127.0.0.1:9", "port", "127.0.0.1:9 refuses (Connection refused)"),
        ("no-such-host.invalid:7233", "name", "no-such-host.invalid is not known here"),
    ],
)
def test_a_server_that_is_not_there_fails_with_its_cause(tmp_path: Path, address: str, name: str, text: str) -> None:
    code, checks = run_doctor(tmp_path, TEMPORAL_ADDRESS=address, HYDRA_DATABASE="postgresql://x@127.0.0.1:9/x")
    assert code == 1
    check = checks["Temporal", name]
    assert (check["level"], check["text"]) == ("fail", text)
    assert check["remedy"]
    assert checks["PostgreSQL", "connection"]["remedy"] == "Start it, or correct 'database'."


async def test_certificates_and_empty_queues_are_told_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    client = authority.issue("client", days=5)
    async with dev_server() as server:
        target = server.service_client.config.target_host
        with open_front(target, authority.issue("server"), authority.certificate) as address:
            code, checks = await asyncio.to_thread(
                run_doctor,
                tmp_path,
                HYDRA_DATABASE="postgresql://x@127.0.0.1:9/x",
                TEMPORAL_ADDRESS=address,
                TEMPORAL_TLS_SERVER_CA_CERT_PATH=authority.certificate,
                TEMPORAL_TLS_CLIENT_CERT_PATH=client,
                TEMPORAL_TLS_CLIENT_KEY_PATH=client.with_suffix(".key"),
            )
    assert code == 1
    levels = {name: check["level"] for (where, name), check in checks.items() if where == "Temporal"}
    assert levels == {
        "name": "ok",
        "port": "ok",
        "the server's certificate": "ok",
        "your certificate": "warn",
        "connection": "ok",
    }
    assert checks["this machine", "clock"]["level"] == "ok"
    assert {name for (_, name), check in checks.items() if check["level"] == "fail"} == {
        *("connection", "hydra-supervisor", "hydra-inference", "hydra-retrieval", "hydra-sandbox"),
    }


async def test_a_database_is_told_before_and_with_its_tables(postgres: str) -> None:
    name = "doctor"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        connection.execute("CREATE ROLE doctor_reader")
    dsn = make_conninfo(postgres, dbname=name)
    before = await _read(dsn)
    assert before["tables"].text.startswith(f"{len(list_migrations())} of {len(list_migrations())} migrations")
    assert before["pgvector"].text.endswith("is there: the next supervisor or `hydra fix` adds it")
    refused = (await _read(make_conninfo(dsn, options="-c role=doctor_reader")))["pgvector"]
    assert (refused.level, refused.remedy) == (Level.WARN, "Run CREATE EXTENSION vector in it.")
    with psycopg.connect(dsn) as connection:
        (tables,) = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() or (1,)
        assert tables == 0
    async with open_database(dsn):
        pass
    after = await _read(dsn)
    assert {check.level for check in after.values()} == {Level.OK}
    assert after["tables"].text.startswith("the tables are those of this version")


async def _read(dsn: str) -> dict[str, Check]:
    return {check.name: check async for _, check in check_database(dsn)}
