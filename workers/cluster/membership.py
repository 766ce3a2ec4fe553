"""A machine's membership in a cluster: what it was given when it joined, and how its workers use it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pydantic import BaseModel, ValidationError

from activities.private_file import make_private_folder, write_private
from hydranet.errors import UsageError
from workers.cluster.messages import Login


class Membership(BaseModel):
    """Node A's host and port as this machine knows them, and who this node is there."""

    host: str
    port: int
    name: str
    role: str
    temporal_port: int
    namespace: str
    login: Login

    @property
    def server(self) -> str:
        """Node A's address."""
        return join_address(self.host, self.port)


class MemberFolder:
    """The files of a membership, in the folder `cluster` of the data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir.absolute() / "cluster"
        self.membership = self.root / "membership.json"
        self.authority = self.root / "authority.pem"
        # Key and certificate in one file, which is replaced at once: whoever opens a connection finds a pair.
        self.node = self.root / "node.pem"
        self.seal = self.root / "seal"

    def load(self) -> Membership | None:
        """Return the membership, None where the machine has joined nothing. UsageError where it cannot be read."""
        try:
            return Membership.model_validate_json(self.membership.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise UsageError(
                f"{self.membership} cannot be read ({reason}): run `hydra cluster leave`, and join again."
            ) from None

    def write(self, membership: Membership, authority: str, key: str, certificate: str, seal: str) -> None:
        """Make this machine a node."""
        make_private_folder(self.root)
        write_private(self.authority, authority)
        self.write_certificate(key, certificate, seal)
        # Last: with it, the machine is a node.
        write_private(self.membership, membership.model_dump_json(indent=1))

    def write_certificate(self, key: str, certificate: str, seal: str) -> None:
        """Replace certificate and keys."""
        write_private(self.seal, seal)
        write_private(self.node, certificate + key)

    def read_certificate(self) -> str:
        """Return the node's certificate as PEM. Raises UsageError where there is none."""
        begin = "-----BEGIN CERTIFICATE-----"
        try:
            text = self.node.read_text()
        except OSError as error:
            raise UsageError(
                f"{self.node} cannot be read ({error.strerror}): correct its permissions, or leave and join again."
            ) from None
        return (
            begin + text.partition(begin)[2].partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
        )

    def remove(self) -> None:
        """Make this machine a node no more."""
        self.membership.unlink(missing_ok=True)
        shutil.rmtree(self.root, ignore_errors=True)

    def build_variables(self, membership: Membership) -> dict[str, str]:
        """Return the environment in which a worker works as the node: Temporal's own variables, and ours."""
        from psycopg.conninfo import make_conninfo

        login = membership.login
        database = make_conninfo(
            host=membership.host,
            port=login.port,
            dbname=login.database,
            user=login.user,
            password=login.password,
            sslmode="verify-full",
            # Envoy speaks TLS from the first byte.
            sslnegotiation="direct",
            ssl_min_protocol_version="TLSv1.3",
            sslrootcert=str(self.authority),
            sslcert=str(self.node),
            sslkey=str(self.node),
        )
        return {
            "TEMPORAL_ADDRESS": join_address(membership.host, membership.temporal_port),
            "TEMPORAL_NAMESPACE": membership.namespace,
            "TEMPORAL_TLS": "true",
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(self.authority),
            "TEMPORAL_TLS_CLIENT_CERT_PATH": str(self.node),
            "TEMPORAL_TLS_CLIENT_KEY_PATH": str(self.node),
            "HYDRA_DATABASE": database,
            "HYDRA_SEAL_KEY_FILE": str(self.seal),
        }


def use_membership(data_dir: Path) -> Membership | None:
    """Let this process work as the node that the machine is, and return the membership; None where it is none."""
    folder = MemberFolder(data_dir)
    membership = folder.load()
    if membership is not None:
        os.environ.update(folder.build_variables(membership))
    return membership


def check_no_node(data_dir: Path) -> None:
    """Raise UsageError where the machine is a node, on which no run is started."""
    if membership := MemberFolder(data_dir).load():
        raise UsageError(
            f"This machine works as the node '{membership.name}' ({membership.role}) of {membership.host}: give the "
            "command there, or run `hydra cluster leave` first."
        )


def join_address(host: str, port: int) -> str:
    """Return HOST:PORT, with brackets where they are needed."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
