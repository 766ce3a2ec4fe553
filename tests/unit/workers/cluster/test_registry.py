from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from activities.private_file import write_private
from hydranet.errors import UsageError
from workers.cluster.authority import Authority, Issued, make_key, request_certificate
from workers.cluster.folder import ClusterFolder
from workers.cluster.registry import Registry


@pytest.fixture
def folder(tmp_path: Path) -> ClusterFolder:
    folder = ClusterFolder(tmp_path)
    folder.create()
    authority = Authority.create()
    write_private(folder.authority_key, authority.key)
    write_private(folder.authority, authority.certificate)
    return folder


def issue(folder: ClusterFolder, lifetime: timedelta = timedelta(days=1)) -> Issued:
    return folder.load_authority().issue_node(request_certificate(make_key(), "c"), "c", "sandbox", lifetime)


def list_revoked(folder: ClusterFolder) -> set[str]:
    return {f"{entry.serial_number:x}" for entry in x509.load_pem_x509_crl(folder.revoked.read_bytes())}


def test_a_node_is_known_by_each_of_its_certificates_until_it_is_revoked(folder: ClusterFolder) -> None:
    registry = Registry(folder)
    first, second = issue(folder), issue(folder)
    registry.add("c", "sandbox", "hydra_sandbox_c", "10.0.0.3", first)
    registry.renew(first.serial, second)
    for issued in (first, second):
        node = registry.find(issued.serial)
        assert node is not None
        assert node.name == "c"
    assert registry.revoke("c").login == "hydra_sandbox_c"
    assert list_revoked(folder) == {first.serial, second.serial}
    assert registry.find(second.serial) is None
    with pytest.raises(UsageError, match="was revoked"):
        registry.renew(second.serial, issue(folder))


def test_a_node_is_revoked_by_a_serial_number_as_other_tools_write_it(folder: ClusterFolder) -> None:
    registry = Registry(folder)
    issued = issue(folder)
    registry.add("c", "sandbox", "l", "a", issued)
    shown = issued.serial.upper().zfill(40)
    registry.revoke(":".join(shown[place : place + 2] for place in range(0, len(shown), 2)))
    assert list_revoked(folder) == {issued.serial}


def test_a_name_is_taken_until_its_node_is_revoked_or_has_expired(folder: ClusterFolder) -> None:
    registry = Registry(folder)
    registry.add("c", "sandbox", "l", "a", issue(folder))
    with pytest.raises(UsageError, match="'c' has joined already"):
        registry.add("c", "sandbox", "l", "a", issue(folder))
    registry.revoke("c")
    gone = issue(folder, timedelta(0))
    registry.add("c", "sandbox", "l", "a", gone)
    registry.add("c", "sandbox", "l", "a", issue(folder))
    assert [node.name for node in registry.list()] == ["c"]


def test_a_later_revocation_keeps_the_earlier_ones(folder: ClusterFolder) -> None:
    registry = Registry(folder)
    certificates = [issue(folder) for _ in range(2)]
    for name, issued in zip("ab", certificates, strict=True):
        registry.add(name, "sandbox", f"l{name}", "a", issued)
        registry.revoke(name)
    assert list_revoked(folder) == {issued.serial for issued in certificates}
    with pytest.raises(UsageError, match="No node 'a'"):
        registry.revoke("a")
