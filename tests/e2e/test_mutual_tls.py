"""A run on a Temporal server that lets nobody in without a certificate, and on a database by DSN."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from hydranet.genealogy import Verdict
from tests.e2e.conftest import HYDRA, Hydra, repository
from tests.tls import Authority, open_front
from workers.postgres import open_postgres

SOURCE = """def total(numbers):
    result = 1
    for number in numbers:
        result += number
    return result
"""
TESTS = """from total import total


def test_total():
    assert total([1, 2]) == 3
    assert total([]) == 0
"""


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Hydra]:
    """The `hydra` command before a server with mutual TLS, which it is told by variables of Temporal's alone."""
    authority = Authority(tmp_path)
    client = authority.issue("client")
    # A folder of pytest's has too long a path for a socket.
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory(prefix="hydra-") as name:
        temporal = str(HYDRA.parent / "temporal")
        environment = runner.run(WorkflowEnvironment.start_local(dev_server_existing_path=temporal))
        server = environment.client.service_client.config.target_host
        try:
            with (
                open_front(server, authority.issue("server"), authority.certificate) as address,
                open_postgres(Path(name) / "data", Path(name), Path(name) / "log") as postgres,
            ):
                variables = {
                    "TEMPORAL_ADDRESS": address,
                    "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(authority.certificate),
                    "TEMPORAL_TLS_CLIENT_CERT_PATH": str(client),
                    "TEMPORAL_TLS_CLIENT_KEY_PATH": str(client.with_suffix(".key")),
                    "HYDRA_DATABASE": postgres.dsn,
                }
                yield Hydra(tmp_path / "data", variables)
        finally:
            runner.run(environment.shutdown())


def test_a_run_is_fixed_over_mutual_tls(deployment: Hydra, tmp_path: Path) -> None:
    depot = repository(tmp_path / "depot", {"total.py": SOURCE, "test_total.py": TESTS})
    prepared = deployment("setup-temporal")
    assert prepared.returncode == 0, prepared.stderr
    roles = ("supervisor", "inference", "sandbox")
    with subprocess.Popen([HYDRA, "worker", *roles], env=deployment.environment()) as worker:
        try:
            issue = "total([]) returns 1 instead of 0"
            result, genealogy = deployment.json("fix", "--repo", depot, "--issue", issue, "--model", "templates")
            listed = deployment("temporal", "workflow", "list")
        finally:
            worker.terminate()
    assert worker.returncode == 0
    assert result.verdict is Verdict.FIXED
    assert genealogy.published
    assert genealogy.run_id in listed.stdout
    stranger = Hydra(deployment.data, {**deployment.env, "TEMPORAL_TLS_CLIENT_CERT_PATH": ""})
    stranger.env["TEMPORAL_TLS_CLIENT_KEY_PATH"] = ""
    refused = stranger("runs")
    assert refused.returncode == 2
    assert "asks for a client certificate" in refused.stderr
