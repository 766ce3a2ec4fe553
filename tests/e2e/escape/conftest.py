"""Both sandboxes, and a host with bait that no program may reach; every bait notices when it is reached."""

import asyncio
import ctypes
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from activities.sandbox.protocol import Execution, Job, Limits, Sandbox
from tests.control_groups import list_groups
from tests.processes import read_command
from tests.sandboxes import BACKENDS, list_containers, require_docker, sandbox_of

PROGRAMS = Path(__file__).parent / "programs"
LIMITS = Limits(seconds=100, memory_mb=256, processes=64, file_mb=32, disk_mb=64, output_kb=1024)


@dataclass
class Bait:
    """The bait on the host; `facts` tell the programs where it is."""

    facts: dict[str, Any]
    secret: Path
    process: subprocess.Popen[bytes]
    reached: list[str] = field(default_factory=list)

    def untouched(self) -> None:
        assert self.reached == []
        assert self.secret.read_text() == self.facts["word"]
        assert [Path(path).read_text() for path in self.facts["other_run"]] == ["of another run"] * 2
        assert self.process.poll() is None


# A host of the link, and the metadata services of two clouds.
NEIGHBOUR, NEIGHBOUR_6 = "10.213.77.2", "fd00:213:77::2"
METADATA = ("169.254.169.254", "169.254.170.2")


@contextmanager
def neighbourhood() -> Iterator[list[socket.socket]]:
    """Hosts of the test's own, by their listening sockets; none where this user may not make them."""
    name = f"hydra{os.getpid()}"
    if os.getuid() or not shutil.which("ip"):
        yield []
        return
    # The addresses are the same in every process of tests.
    with FileLock(Path(tempfile.gettempdir(), "hydra-tests-neighbourhood.lock")), ExitStack() as stack:
        _ip(f"netns add {name}")
        stack.callback(_ip, f"netns delete {name}")
        _ip(f"link add {name}a type veth peer name {name}b netns {name}")
        stack.callback(_ip, f"link delete {name}a")
        for words in (
            f"address add 10.213.77.1/24 dev {name}a",
            f"address add fd00:213:77::1/64 dev {name}a nodad",
            *(f"address add {address}/32 dev {name}a" for address in METADATA),
            f"link set {name}a up",
            f"-n {name} address add {NEIGHBOUR}/24 dev {name}b",
            f"-n {name} address add {NEIGHBOUR_6}/64 dev {name}b nodad",
            f"-n {name} link set {name}b up",
        ):
            _ip(words)
        with ThreadPoolExecutor(1) as inside:
            inside.submit(_enter, name).result()
            sockets = [inside.submit(_listen, address).result() for address in (NEIGHBOUR, NEIGHBOUR_6)]
        sockets += [_listen(address) for address in METADATA]
        yield [stack.enter_context(server) for server in sockets]


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


def _enter(name: str) -> None:
    """Put this thread into a network namespace; a socket stays in the one where it was made."""
    with Path("/run/netns", name).open() as namespace:
        assert ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) == 0


def _listen(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, 80), family=family)


@pytest.fixture
def bait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bait]:
    word = f"bait{uuid.uuid4().hex}"
    monkeypatch.setenv("HYDRA_SECRET_TOKEN", word)
    secret = tmp_path / "secret"
    secret.write_text(word)
    other = [tmp_path / "runs" / "tree" / "a.py", tmp_path / "runs" / "sandbox" / "results"]
    for path in other:
        path.parent.mkdir(parents=True)
        path.write_text("of another run")
    shared = Path("/dev/shm") / word
    shared.write_text(word)
    # A System V segment, which any process of the host could attach by its key.
    key = uuid.uuid4().int & 0x7FFFFFFF
    segment = ctypes.CDLL(None).shmget(key, 4096, 0o1666)
    process = subprocess.Popen(["sleep", "100000"])
    bait = Bait({}, secret, process)
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("", 0)))
        six = stack.enter_context(socket.socket(socket.AF_INET6))
        port = tcp.getsockname()[1]
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        six.bind(("::", port))
        six.listen()
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("", 0))
        unix, abstract = (stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        unix.bind(str(tmp_path / "unix"))
        (tmp_path / "unix").chmod(0o777)
        abstract.bind(f"\0{word}")
        for server in (unix, abstract):
            server.listen()
        neighbours = stack.enter_context(neighbourhood())
        bait.facts |= {
            "word": word,
            "secret": str(secret),
            "home": str(Path.home()),
            "other_run": [str(path) for path in other],
            "tcp": port,
            "udp": udp.getsockname()[1],
            "unix": str(tmp_path / "unix"),
            "abstract": word,
            "docker": os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://"),
            "addresses": _addresses(),
            "stand_ins": [server.getsockname()[:2] for server in neighbours],
            "name_servers": _name_servers(),
            "process": process.pid,
            "shared": word,
            "key": key,
        }
        servers = {"tcp": tcp, "tcp over IPv6": six, "udp": udp, "unix": unix, "abstract": abstract}
        servers |= {server.getsockname()[0]: server for server in neighbours}
        for name, server in servers.items():
            threading.Thread(target=_watch, args=(name, server, bait.reached), daemon=True).start()
        yield bait
        for server in servers.values():
            server.shutdown(socket.SHUT_RDWR) if server is not udp else server.sendto(b"end", server.getsockname())
    process.kill()
    process.wait()
    shared.unlink()
    ctypes.CDLL(None).shmctl(segment, 0, None)


def _watch(name: str, server: socket.socket, reached: list[str]) -> None:
    while True:
        try:
            if server.type == socket.SOCK_DGRAM:
                if server.recv(1000) == b"end":
                    return
            else:
                server.accept()[0].close()
        except OSError:
            return
        reached.append(name)


def _addresses() -> list[str]:
    own = [
        address.address for interface in psutil.net_if_addrs().values() for address in interface if address.family == 2
    ]
    return [address for address in own if not address.startswith("127.")]


def _name_servers() -> list[str]:
    lines = Path("/etc/resolv.conf").read_text().splitlines()
    return [line.split()[1] for line in lines if line.startswith("nameserver ")][:2]


@pytest.fixture(params=BACKENDS)
async def sandbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """Open a sandbox of each kind, and check afterwards that the host is unchanged."""
    if request.param == "docker":
        require_docker()
    before = _state(request.param)
    async with sandbox_of(request.param, tmp_path_factory.mktemp("sandbox")) as opened:
        yield opened
        deadline = time.monotonic() + 60
        while (left := _state(request.param) - before) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert left == set()


def _state(backend: str) -> set[str]:
    """Return our control groups, mounts, containers and processes on this machine; others may have some too."""
    groups = {str(path) for path in list_groups()}
    mounts = {line for line in Path("/proc/mounts").read_text().splitlines() if "hydra-" in line}
    commands = map(read_command, psutil.Process().children(recursive=True))
    children = {" ".join(command) for command in commands if command}
    return groups | mounts | children | set(list_containers(backend, os.getpid()))


@dataclass
class Prison:
    """A sandbox to run programs in, with files on the host below `folder`."""

    sandbox: Sandbox
    folder: Path

    async def run(
        self, command: tuple[str, ...], tree: Path = PROGRAMS, bait: Bait | None = None, **limits: Any
    ) -> Execution:
        inputs, results = self.folder / "inputs", self.folder / f"results{uuid.uuid4().hex}"
        inputs.mkdir(exist_ok=True)
        (inputs / "bait.json").write_text(json.dumps(bait.facts if bait else {}))
        results.touch()
        job = Job(command, tree, Limits(**{**vars(LIMITS), **limits}), inputs=inputs, results=results)
        return await self.sandbox.run(job)


@pytest.fixture
def prison(sandbox: Sandbox, tmp_path: Path) -> Prison:
    folder = tmp_path / "prison"
    folder.mkdir()
    return Prison(sandbox, folder)
