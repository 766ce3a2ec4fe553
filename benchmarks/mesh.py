"""Hosts with a network of their own, which the commands of the guide make a cluster: for what is measured on it."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from hydranet.errors import UsageError
from tests.e2e.network import Host, Network, open_network, share_base_environment

SUPERVISOR, INFERENCE, SANDBOX, SPARE = "node-a", "node-b", "node-c", "node-d"
_ROLES = {INFERENCE: "inference", SANDBOX: "sandbox", SPARE: "sandbox"}
_READY_SECONDS = 300


class Lines:
    """The lines of a command, each with the moment at which it was written."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[tuple[float, str]] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append((time.monotonic(), line.rstrip()))
                self._changed.notify_all()
        with self._changed:
            self.lines.append((time.monotonic(), ""))
            self._changed.notify_all()

    def wait_for(self, pattern: str, timeout: float, since: float = 0.0) -> tuple[float, str] | None:
        """Return the first line since a moment that has the pattern, None where none comes in time or at all."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for when, line in self.lines:
                    if when >= since and re.search(pattern, line):
                        return when, line
                left = deadline - time.monotonic()
                if left <= 0 or not self._thread.is_alive():
                    return None
                self._changed.wait(min(left, 1.0))

    def finish(self, timeout: float) -> str:
        """Return all that the command wrote, once it has ended."""
        self.process.wait(timeout)
        self._thread.join()
        return "\n".join(line for _, line in self.lines)


@dataclass
class Mesh:
    """The hosts by their names, and the workers that run on the nodes."""

    network: Network
    hosts: dict[str, Host]
    workers: dict[str, Lines] = field(default_factory=dict)

    def start_worker(self, name: str) -> None:
        """Start a node's worker, and return when it polls."""
        self.workers[name] = Lines(self.hosts[name].start("worker"))
        if not self.workers[name].wait_for("^ready$", _READY_SECONDS):
            raise UsageError(f"The worker of {name} did not start: {self.workers[name].lines}")


@contextlib.contextmanager
def open_mesh(names: tuple[str, ...] = (SUPERVISOR, INFERENCE, SANDBOX)) -> Iterator[Mesh]:
    """Set up node A and the others by the commands, and start their workers."""
    with open_network() as network:
        hosts = {name: network.add_host(name, f"192.168.7.{10 + number}") for number, name in enumerate(names)}
        mesh = Mesh(network, hosts)
        node_a = hosts[SUPERVISOR]
        token = re.findall(r"hn1\.\S+", _give(node_a, "cluster", "init"))[0]
        for name in names[1:]:
            if _ROLES[name] == "sandbox":
                share_base_environment(hosts[name])
            if name == SPARE:
                token = _give(node_a, "cluster", "token", "create", "--role", "sandbox").strip()
            _give(hosts[name], "join", "--host", node_a.address, "--role", _ROLES[name], "--token", token)
            mesh.start_worker(name)
        yield mesh


def _give(host: Host, *arguments: str) -> str:
    done = host(*arguments, timeout=_READY_SECONDS)
    if done.returncode:
        raise UsageError(f"hydra {' '.join(arguments)} on {host.name}: {done.stdout}{done.stderr}")
    return done.stdout
