"""Hosts of a network of their own, on one machine: a namespace each, with a name, an address and a home."""

from __future__ import annotations

import asyncio
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

import platformdirs
import psutil
import pytest

from activities.sandbox import dependencies
from activities.sandbox.bubblewrap import Bubblewrap
from activities.sandbox.virtual_environments import EnvironmentCache
from hydranet.run_settings import SandboxSpec
from tests.e2e import switch
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
    """A host: `address` in the network, `port` of the switch, and `home`, where its data folder is."""

    name: str
    namespace: str
    port: str
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

    def __call__(self, *arguments: str | Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """Run the `hydra` command."""
        return self.run(HYDRA, *arguments, timeout=timeout)

    def run(self, *command: str | Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.wrap(*command), env=self.environment(), cwd=self.home, capture_output=True, text=True, timeout=timeout
        )

    def list_processes(self) -> list[psutil.Process]:
        """The processes that run on the host; those in a network of their own are not among them."""
        listed = subprocess.run(["ip", "netns", "pids", self.namespace], capture_output=True, text=True)
        processes = []
        for number in map(int, listed.stdout.split()):
            with contextlib.suppress(psutil.Error):
                processes.append(psutil.Process(number))
        return processes

    def kill(self) -> None:
        """Kill all that runs on the host."""
        for process in self.list_processes():
            with contextlib.suppress(psutil.Error):
                process.kill()

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
    """A switch and what hangs on it; `process` forwards between its ports."""

    name: str
    folder: Path
    process: subprocess.Popen[str]
    hosts: list[Host] = field(default_factory=list)

    @property
    def switch(self) -> str:
        return _name_switch(self.name)

    def add_host(self, name: str, address: str) -> Host:
        namespace = f"{self.name}{len(self.hosts)}"
        port = f"p{len(self.hosts)}"
        _ip("netns", "add", namespace)
        host = Host(name, namespace, port, address, self.folder / name, {"HYDRA_SANDBOX__BACKEND": "bubblewrap"})
        self.hosts.append(host)
        host.home.mkdir()
        _ip("-n", self.switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("-n", self.switch, "link", "set", port, "promisc", "on", "up")
        self._steer("add", port)
        _ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", namespace, "link", "set", device, "up")
        return host

    def cut(self, host: Host) -> None:
        """Take the cable out of a host."""
        _ip("-n", self.switch, "link", "set", host.port, "down")

    def mend(self, host: Host) -> None:
        """Put the cable of a host in again, as fast as it was at the start."""
        _ip("-n", self.switch, "link", "set", host.port, "up")
        self.slow(host, 0.0)

    def slow(self, host: Host, seconds: float, rate: float = 0.0) -> None:
        """Let each frame from and to a host take `seconds` longer, at a `rate` in bytes a second, 0 without limit."""
        self._steer("set", host.port, str(seconds), str(rate))

    def _steer(self, *words: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(*words, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "ok\n"

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
            host.kill()
        for namespace in (host.namespace for host in self.hosts):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True)


@contextlib.contextmanager
def open_network() -> Iterator[Network]:
    """A network without hosts; skips the test where this machine does not let its user make one."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and the command `ip`")
    name = f"hy{os.getpid()}x"
    try:
        _ip("netns", "add", _name_switch(name))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"network namespaces are not allowed here: {error.stderr}")
    inside = ["ip", "netns", "exec", _name_switch(name), sys.executable, switch.__file__]
    try:
        with (
            tempfile.TemporaryDirectory(prefix="hydra-mesh-", ignore_cleanup_errors=True) as folder,
            subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
        ):
            network = Network(name, Path(folder), process)
            try:
                yield network
            finally:
                network.end()
    finally:
        subprocess.run(["ip", "netns", "del", _name_switch(name)], capture_output=True)


def share_base_environment(host: Host) -> None:
    """Give a host without a way to a package index what it would install from there."""
    cache, sandbox = platformdirs.user_cache_path("hydranet-tests"), Bubblewrap()
    empty = host.home / "empty"
    empty.mkdir()
    plan = dependencies.plan_base(sandbox)
    asyncio.run(EnvironmentCache(sandbox, cache).prepare(plan, empty, SandboxSpec()))
    folder = host.data / "cache"
    folder.mkdir(parents=True)
    (folder / "environments").symlink_to(cache / "environments")


def _name_switch(network: str) -> str:
    return f"{network}s"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
