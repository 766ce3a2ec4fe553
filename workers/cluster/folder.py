"""The files of a cluster on node A, in the data folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from pydantic import BaseModel

from activities.private_file import make_private_folder
from hydranet.errors import UsageError

if TYPE_CHECKING:
    from workers.cluster.authority import Authority

TEMPORAL_SOCKET, POSTGRES_SOCKET = "nodes/temporal.sock", "nodes/postgres.sock"
"""The sockets below the stack's runtime folder by which the front alone reaches the servers."""


class ClusterConfig(BaseModel):
    """What `hydra cluster init` was told: node A's names and addresses, and the roles that it takes itself."""

    hosts: list[str]
    roles: list[str]


class ClusterFolder:
    """The folder `cluster`; what Envoy reads lies in `front`, and it sees nothing else of the data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir / "cluster"
        self.config = self.root / "cluster.json"
        self.authority_key = self.root / "authority.key"
        self.tokens = self.root / "tokens.json"
        self.nodes = self.root / "nodes.json"
        self.front = self.root / "front"
        self.authority = self.front / "authority.pem"
        self.server = self.front / "server.pem"
        self.server_key = self.front / "server.key"
        self.revoked = self.front / "crl.pem"
        self.envoy = self.front / "envoy.yaml"

    @property
    def exists(self) -> bool:
        """Whether the cluster was initialised here."""
        return self.config.exists()

    def create(self) -> None:
        """Create the folders, for their user alone."""
        for folder in (self.root, self.front):
            make_private_folder(folder)
            folder.chmod(0o700)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from changing tokens and nodes until the block is left."""
        with FileLock(self.root / "lock"):
            yield

    def load_config(self) -> ClusterConfig:
        """Return what the cluster is like. Raises UsageError where there is none."""
        try:
            return ClusterConfig.model_validate_json(self.config.read_bytes())
        except FileNotFoundError:
            raise UsageError("This machine has no cluster: make it node A with `hydra cluster init`.") from None

    def load_authority(self) -> Authority:
        """Return the authority. Raises UsageError where there is none."""
        # Imported here, since every command looks at this folder, and hardly any at certificates.
        from workers.cluster.authority import Authority

        try:
            return Authority.load(self.authority_key.read_bytes(), self.authority.read_bytes())
        except FileNotFoundError:
            raise UsageError("This machine has no cluster: make it node A with `hydra cluster init`.") from None
        except (ValueError, OSError) as error:
            raise UsageError(
                f"The cluster's authority in {self.root} cannot be read ({error}): put a copy of the folder back, or "
                "remove it, begin anew with `hydra cluster init`, and let all nodes join again."
            ) from None
