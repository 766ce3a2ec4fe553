"""Hosts of a network of their own, on one machine: a namespace each, with a name, an address and a home."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import HYDRA

# Reads all that passes the switch.
_SNIFFER = """
import socket, sys
packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
packets.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
with open(sys.argv[1], "wb", buffering=0) as file:
    print("ready", flush=True)
    while True:
        file.write(packets.recv(1 << 16))
"""


@dataclass
class Host:
    """A host: `address` in the network, and `home`, where its data folder is."""

    name: str
    namespace: str
    address: str
    home: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.home / ".local" / "share" / "hydranet"

    def environment(self) -> dict[str, str]:
        ours = ("HYDRA_", "XDG_", "TEMPORAL_", "PG")
        others = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**others, "HOME": str(self.home), **self.env}

    def wrap(self, *command: str | Path) -> list[str]:
        inside = ["unshare", "--uts", "sh", "-c", f'hostname {self.name}; exec "$@"', "sh", *map(str, command)]
        return ["ip", "netns", "exec", self.namespace, *inside]

    def __call__(self, *arguments: str | Path, timeout: float = 90) -> subprocess.CompletedProcess[str]:
        """Run the `hydra` command."""
        return self.run(HYDRA, *arguments, timeout=timeout)

    def run(self, *command: str | Path, timeout: float = 90) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.wrap(*command), env=self.environment(), cwd=self.home, capture_output=True, text=True, timeout=timeout
        )

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start the `hydra` command."""
        return subprocess.Popen(
            self.wrap(HYDRA, *arguments),
            env=self.environment(),
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@dataclass
class Network:
    """A switch and what hangs on it."""

    name: str
    folder: Path
    hosts: list[Host] = field(default_factory=list)

    @property
    def switch(self) -> str:
        return f"{self.name}s"

    def add_host(self, name: str, address: str) -> Host:
        namespace = f"{self.name}{len(self.hosts)}"
        port = f"p{len(self.hosts)}"
        _ip("netns", "add", namespace)
        host = Host(name, namespace, address, self.folder / name, {"HYDRA_SANDBOX__BACKEND": "bubblewrap"})
        self.hosts.append(host)
        host.home.mkdir()
        _ip("-n", self.switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("-n", self.switch, "link", "set", port, "master", "br0", "up")
        _ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", namespace, "link", "set", device, "up")
        return host

    @contextlib.contextmanager
    def sniff(self, file: Path) -> Iterator[None]:
        """Write all that passes the switch into a file, until the block is left."""
        command = ["ip", "netns", "exec", self.switch, sys.executable, "-c", _SNIFFER, str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sniffer:
            assert sniffer.stdout is not None
            assert sniffer.stdout.readline() == "ready\n"
            try:
                yield
            finally:
                sniffer.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """Kill what runs on the hosts, and remove them."""
        for host in self.hosts:
            listed = subprocess.run(["ip", "netns", "pids", host.namespace], capture_output=True, text=True)
            for number in map(int, listed.stdout.split()):
                with contextlib.suppress(psutil.Error):
                    psutil.Process(number).kill()
        for namespace in [*(host.namespace for host in self.hosts), self.switch]:
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True)


@contextlib.contextmanager
def open_network() -> Iterator[Network]:
    """A network without hosts; skips the test where this machine does not let its user make one."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and the command `ip`")
    with tempfile.TemporaryDirectory(prefix="hydra-mesh-", ignore_cleanup_errors=True) as folder:
        network = Network(f"hy{os.getpid()}x", Path(folder))
        try:
            _ip("netns", "add", network.switch)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces are not allowed here: {error.stderr}")
        try:
            _ip("-n", network.switch, "link", "add", "br0", "type", "bridge")
            _ip("-n", network.switch, "link", "set", "br0", "up")
            yield network
        finally:
            network.end()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
