"""Each way in which a connection to Temporal fails is one sentence within seconds, over real TLS to a real server."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from temporalio.testing import WorkflowEnvironment

from tests.tls import Authority, open_front

SCRIPTS = Path(sysconfig.get_path("scripts"))

# What a user waits for at most, with the start of the command, on a machine that does other work too.
_LONGEST_SECONDS = 10.0

Refuse = Callable[..., str]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server without TLS."""
    with asyncio.Runner() as runner:
        environment = runner.run(WorkflowEnvironment.start_local(dev_server_existing_path=str(SCRIPTS / "temporal")))
        yield environment.client.service_client.config.target_host
        runner.run(environment.shutdown())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def _run(folder: Path, arguments: tuple[str, ...], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    own = {"HYDRA_DATA_DIR": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "HYDRA_", "PG"))}
    return subprocess.run(
        [SCRIPTS / "hydra", *arguments], env={**kept, **own, **variables}, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def refuse(tmp_path: Path) -> Refuse:
    """Return the sentence of `hydra ARGUMENTS` with variables TEMPORAL_*, which has to come soon."""

    def run(*arguments: str, **variables: str | Path) -> str:
        started = time.monotonic()
        named = {f"TEMPORAL_{name}": str(value) for name, value in variables.items()}
        done = _run(tmp_path, arguments or ("runs",), named)
        assert time.monotonic() - started < _LONGEST_SECONDS
        assert done.returncode == 2, done.stdout + done.stderr
        [sentence] = done.stderr.splitlines()
        return sentence

    return run


def _client(certificate: Path) -> dict[str, Path]:
    return {"TLS_CLIENT_CERT_PATH": certificate, "TLS_CLIENT_KEY_PATH": certificate.with_suffix(".key")}


def test_a_certificate_of_the_authority_opens_the_server(server: str, authority: Authority, tmp_path: Path) -> None:
    variables = {f"TEMPORAL_{name}": str(path) for name, path in _client(authority.issue("client")).items()}
    variables["TEMPORAL_TLS_SERVER_CA_CERT_PATH"] = str(authority.certificate)
    with open_front(server, authority.issue("server"), authority.certificate) as address:
        done = _run(tmp_path, ("setup-temporal",), {**variables, "TEMPORAL_ADDRESS": address})
        assert "is ready for HydraNet" in done.stdout, done.stderr
        done = _run(tmp_path, ("runs",), {**variables, "TEMPORAL_ADDRESS": address})
        assert "There is no run yet" in done.stdout, done.stderr


def test_who_asks_for_no_tls_is_told_to(server: str, authority: Authority, refuse: Refuse) -> None:
    for clients in (None, authority.certificate):
        with open_front(server, authority.issue("server"), clients) as address:
            assert "expects TLS: set TEMPORAL_TLS=true" in refuse(ADDRESS=address)


def test_a_server_without_tls_is_told(server: str, refuse: Refuse) -> None:
    assert "does not speak TLS" in refuse(ADDRESS=server, TLS="true")
    assert "does not speak TLS" in refuse(ADDRESS=server, API_KEY="secret")


def test_a_client_certificate_is_asked_for(server: str, authority: Authority, tmp_path: Path, refuse: Refuse) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger").issue("client")
    with open_front(server, authority.issue("server"), authority.certificate) as address:
        known = {"ADDRESS": address, "TLS_SERVER_CA_CERT_PATH": authority.certificate}
        assert "asks for a client certificate" in refuse(**known)
        assert "does not take your client certificate" in refuse(**known, **_client(stranger))
        assert "has expired: have it renewed" in refuse(**known, **_client(authority.issue("old", days=-1)))
        own = authority.issue("client")
        assert "do not fit together" in refuse(**known, TLS_CLIENT_CERT_PATH=own)
        assert "do not fit together" in refuse(**known, **_client(own) | {"TLS_CLIENT_KEY_PATH": own})
        assert "/missing.pem" in refuse(**known, TLS_CLIENT_CERT_PATH="/missing.pem")


def test_a_server_that_cannot_be_trusted_is_told(
    server: str, authority: Authority, tmp_path: Path, refuse: Refuse
) -> None:
    with open_front(server, authority.issue("server")) as address:
        assert "authority that you do not trust" in refuse(ADDRESS=address, TLS="true")
        (tmp_path / "other").mkdir()
        other = Authority(tmp_path / "other").certificate
        assert "authority that you do not trust" in refuse(ADDRESS=address, TLS_SERVER_CA_CERT_PATH=other)
    known = {"TLS_SERVER_CA_CERT_PATH": authority.certificate}
    with open_front(server, authority.issue("late", days=-1)) as address:
        assert "has a certificate that has expired" in refuse(ADDRESS=address, **known)
    with open_front(server, authority.issue("elsewhere", (x509.DNSName("elsewhere.example"),))) as address:
        assert "a certificate for another name" in refuse(ADDRESS=address, **known)
        named = {"ADDRESS": address, "NAMESPACE": "missing", "TLS_SERVER_NAME": "elsewhere.example", **known}
        assert "has no namespace 'missing'" in refuse(**named)


def test_a_server_that_is_not_there_is_told(refuse: Refuse) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        assert f"No Temporal server answers at {place}: start it" in refuse(ADDRESS=place)
        taken.listen()  # and says nothing, as where packets are dropped
        assert "in time: start it" in refuse(ADDRESS=place)
        assert "in time: start it" in refuse("setup-temporal", ADDRESS=place, TLS="true")
        assert "in time: start it" in refuse("worker", "sandbox", ADDRESS=place)
    assert "is not known by that name" in refuse(ADDRESS="missing.invalid:7233")


def test_a_worker_says_what_it_lacks(refuse: Refuse) -> None:
    assert "No Temporal server is named" in refuse("worker", "supervisor")
    assert "'superviser' is not one of 'supervisor', 'inference', 'sandbox'" in refuse("worker", "superviser")
    assert "No Temporal server is named: join a cluster with `hydra join`" in refuse("worker")
    assert "No role is named: give supervisor, inference or sandbox" in refuse("worker", ADDRESS="127.0.0.1:1")
