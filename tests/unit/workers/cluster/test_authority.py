from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from hydranet.errors import UsageError
from workers.cluster.authority import (
    Authority,
    digest_certificate,
    find_role,
    list_hosts,
    make_key,
    needs_renewal,
    request_certificate,
    write_key,
)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create()


def test_a_node_gets_its_role_from_the_authority_and_not_from_its_request(authority: Authority) -> None:
    key = make_key()
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    wanted = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("hydra://supervisor")])
    request = builder.add_extension(wanted, critical=False).sign(key, hashes.SHA256())
    issued = authority.issue_node(request.public_bytes(Encoding.PEM).decode(), "c", "sandbox")
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    assert find_role(certificate) == "sandbox"
    assert "supervisor" not in issued.certificate
    assert f"{certificate.serial_number:x}" == issued.serial
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate.encode()))


def test_a_request_that_is_none_is_refused(authority: Authority) -> None:
    broken = request_certificate(make_key(), "c").replace("A", "B", 20)
    for request in ("", "hydra", broken):
        with pytest.raises(UsageError, match="malformed"):
            authority.issue_node(request, "c", "sandbox")


def test_the_front_is_known_by_names_and_addresses(authority: Authority) -> None:
    _, certificate = authority.issue_server(["node-a", "10.0.0.1", "fd00::1"])
    assert list_hosts(certificate) == ["node-a", "10.0.0.1", "fd00::1"]


def test_an_authority_that_is_loaded_again_is_the_same() -> None:
    authority = Authority.create()
    loaded = Authority.load(authority.key.encode(), authority.certificate.encode())
    assert loaded.digest == authority.digest == digest_certificate(authority.certificate)
    assert Authority.create().digest != authority.digest


def test_the_list_has_the_revoked_serial_numbers_and_is_signed(authority: Authority) -> None:
    serials = [authority.issue_node(request_certificate(make_key(), "c"), "c", "sandbox").serial for _ in range(3)]
    revoked = x509.load_pem_x509_crl(authority.list_revoked(serials[:2]).encode())
    assert {f"{entry.serial_number:x}" for entry in revoked} == set(serials[:2])
    loaded = x509.load_pem_x509_certificate(authority.certificate.encode())
    assert revoked.is_signature_valid(loaded.public_key())  # type: ignore[arg-type]
    assert revoked.next_update_utc is not None
    assert revoked.next_update_utc > datetime.now(UTC) + timedelta(days=3000)


@pytest.mark.parametrize(("lifetime", "due"), [(timedelta(days=90), False), (timedelta(seconds=0), True)])
def test_a_certificate_is_renewed_when_a_third_of_its_time_is_left(
    authority: Authority, lifetime: timedelta, due: bool
) -> None:
    issued = authority.issue_node(request_certificate(make_key(), "c"), "c", "sandbox", lifetime)
    assert needs_renewal(issued.certificate) is due


def test_a_key_is_written_in_the_form_that_others_read() -> None:
    assert write_key(make_key()).startswith("-----BEGIN PRIVATE KEY-----")
