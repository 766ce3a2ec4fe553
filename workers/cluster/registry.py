"""The nodes that have joined, their certificates, and the serial numbers that count no more."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel

from activities.private_file import write_private
from hydranet.errors import UsageError
from workers.cluster.authority import Issued
from workers.cluster.folder import ClusterFolder


class CertificateRecord(BaseModel):
    """A certificate that was issued."""

    serial: str
    expires: datetime


class NodeRecord(BaseModel):
    """A node; `login` is its role in the database."""

    name: str
    role: str
    login: str
    address: str
    joined: datetime
    certificates: list[CertificateRecord]

    @property
    def expires(self) -> datetime:
        """When its newest certificate expires."""
        return self.certificates[-1].expires


class _Records(BaseModel):
    nodes: list[NodeRecord] = []
    revoked: list[CertificateRecord] = []


class Registry:
    """The nodes of a cluster. What changes them also writes the list of revoked certificates."""

    def __init__(self, folder: ClusterFolder) -> None:
        self._folder = folder

    def list(self) -> list[NodeRecord]:
        """Return the nodes, in the order in which they joined."""
        return self._read().nodes

    def find(self, serial: str) -> NodeRecord | None:
        """Return the node that has a certificate of this serial number, None where it was revoked or never issued."""
        return next((node for node in self.list() if serial in _list_serials(node)), None)

    def check_name(self, name: str) -> None:
        """Raise UsageError where a node of that name has joined, which only one that is thought gone may have."""
        now = datetime.now(UTC)
        if any(node.name == name and node.expires > now for node in self.list()):
            raise UsageError(
                f"A node named '{name}' has joined already: choose another name (--name), or, where this machine was "
                f"that node, run `hydra cluster revoke {name}` on node A first."
            )

    def add(self, name: str, role: str, login: str, address: str, issued: Issued) -> None:
        """Record a node that joins. Raises UsageError as `check_name` does."""
        with self._folder.lock():
            self.check_name(name)
            records = self._read()
            node = NodeRecord(
                name=name,
                role=role,
                login=login,
                address=address,
                joined=datetime.now(UTC),
                certificates=[_record(issued)],
            )
            others = [other for other in records.nodes if other.name != name]
            self._write(records.model_copy(update={"nodes": [*others, node]}))

    def renew(self, serial: str, issued: Issued) -> None:
        """Record the next certificate of a node. Raises UsageError where it was revoked meanwhile."""
        with self._folder.lock():
            records = self._read()
            node = next((node for node in records.nodes if serial in _list_serials(node)), None)
            if node is None:
                raise UsageError("This node's certificate was revoked.")
            now = datetime.now(UTC)
            valid = [kept for kept in node.certificates if kept.expires > now]
            renewed = node.model_copy(update={"certificates": [*valid, _record(issued)]})
            nodes = [renewed if other.name == node.name else other for other in records.nodes]
            self._write(records.model_copy(update={"nodes": nodes}))

    def revoke(self, name: str) -> NodeRecord:
        """Take a node's certificates away, by its name or a serial number. Raises UsageError where there is none."""
        wanted = name.lower().replace(":", "").lstrip("0")
        with self._folder.lock():
            records = self._read()
            node = next((node for node in records.nodes if node.name == name or wanted in _list_serials(node)), None)
            if node is None:
                raise UsageError(f"No node '{name}' has joined: see `hydra cluster status`.")
            now = datetime.now(UTC)
            revoked = [kept for kept in [*records.revoked, *node.certificates] if kept.expires > now]
            others = [other for other in records.nodes if other.name != node.name]
            self._write(_Records(nodes=others, revoked=revoked))
            self.write_revoked()
        return node

    def write_revoked(self) -> None:
        """Write the list of revoked certificates for the front."""
        serials = [kept.serial for kept in self._read().revoked]
        write_private(self._folder.revoked, self._folder.load_authority().list_revoked(serials))

    def _read(self) -> _Records:
        try:
            return _Records.model_validate_json(self._folder.nodes.read_bytes())
        except FileNotFoundError:
            return _Records()

    def _write(self, records: _Records) -> None:
        write_private(self._folder.nodes, records.model_dump_json(indent=1))


def _list_serials(node: NodeRecord) -> list[str]:
    return [kept.serial for kept in node.certificates]


def _record(issued: Issued) -> CertificateRecord:
    return CertificateRecord(serial=issued.serial, expires=issued.expires)
