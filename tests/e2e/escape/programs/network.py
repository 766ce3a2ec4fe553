"""Every family of the network, and the sockets of the host."""

import errno
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from doors import BAIT, closed, never, program


def connect(address: tuple[Any, ...] | str, family: int = socket.AF_INET) -> Callable[[], Any]:
    def attempt() -> Any:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(0.5)
            connection.connect(address)
            return connection.getpeername()

    return attempt


def send(address: tuple[Any, ...], family: int = socket.AF_INET) -> Callable[[], Any]:
    def attempt() -> Any:
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.settimeout(0.2)
            connection.sendto(BAIT["word"].encode(), address)
            return connection.recv(100)

    return attempt


@program
def tcp() -> None:
    for host in ("127.0.0.1", *BAIT["addresses"], "172.17.0.1", "10.0.2.2", "8.8.8.8"):
        closed(f"connect to {host}", connect((host, BAIT["tcp"])))
    closed("connect to the web", connect(("1.1.1.1", 443)))


@program
def udp() -> None:
    for host in ("127.0.0.1", *BAIT["addresses"], "172.17.0.1", "8.8.8.8", "255.255.255.255"):
        closed(f"send to {host}", send((host, BAIT["udp"])))


@program
def names() -> None:
    """Resolve a name, which is a message to whoever serves it."""
    for name in (f"{BAIT['word']}.example.org", "localhost.localdomain.example.org", "host.docker.internal"):
        closed(f"resolve {name}", lambda name=name: socket.getaddrinfo(name, 80))
    for server in ("127.0.0.11", "127.0.0.53", "8.8.8.8", *BAIT["name_servers"]):
        closed(f"ask {server}", send((server, 53)))


@program
def ipv6() -> None:
    for host in ("::1", "2001:4860:4860::8888", "fd00:ec2::254"):
        closed(f"connect to {host}", connect((host, BAIT["tcp"]), socket.AF_INET6))
        closed(f"send to {host}", send((host, BAIT["udp"]), socket.AF_INET6))
    closed("all nodes of the link", send(("ff02::1", BAIT["udp"]), socket.AF_INET6))


@program
def raw() -> None:
    closed("packets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3))
    for protocol in (socket.IPPROTO_ICMP, socket.IPPROTO_TCP, socket.IPPROTO_RAW):
        closed(f"raw {protocol}", lambda protocol=protocol: socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol))


@program
def families() -> None:
    """Open sockets of families that ignore network namespaces or that nobody needs: vsock leads to the hypervisor."""
    for name in ("VSOCK", "ALG", "BLUETOOTH", "CAN", "TIPC", "RDS", "QIPCRTR"):
        family = getattr(socket, f"AF_{name}", None)
        if family is not None:
            closed(name, lambda family=family: socket.socket(family, socket.SOCK_SEQPACKET if family == 38 else 1))


@program
def metadata() -> None:
    for host in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192"):
        closed(f"ask {host}", connect((host, 80)))
    closed("ask by name", connect(("metadata.google.internal", 80)))


@program
def neighbours() -> None:
    """Reach hosts of the link and metadata services, all of them stand-ins of the test's own."""
    for host, port in BAIT["stand_ins"]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        closed(f"connect to {host}", connect((host, port), family))
        closed(f"send to {host}", send((host, port), family))
    never("no stand-in was tried", False)


def ask_proxy(way: tuple[Any, ...] | str, request: str) -> Callable[[], str]:
    """Return an attempt that sends a request to the proxy of a setup, and fails unless it is served."""

    def attempt() -> str:
        with socket.socket(socket.AF_UNIX if isinstance(way, str) else socket.AF_INET) as proxy:
            proxy.settimeout(5)
            proxy.connect(way)
            proxy.sendall(request.encode())
            answer = proxy.recv(1000).decode("latin-1")
        if not answer.startswith(("HTTP/1.1 2", "HTTP/1.0 2")):
            raise OSError(answer.partition("\r\n")[0])
        return answer

    return attempt


@program
def through_the_proxy() -> None:
    """Ask the proxy to the package indexes, where there is one, for everything but a package index."""
    ports = (BAIT["tcp"], 80)
    hosts = [*(host for host, _ in BAIT["stand_ins"]), *BAIT["addresses"], "127.0.0.1", "localhost", "localhost."]
    hosts += ["0", "127.1", "2130706433", "0x7f000001", "017700000001", "::1", "::ffff:127.0.0.1", "::", "sandbox"]
    for way in (("127.0.0.1", 3128), "/package-index"):
        for host in hosts:
            for port in ports:
                target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                head = f"HTTP/1.1\r\nHost: {target}\r\n\r\n"
                for request in (f"CONNECT {target} {head}", f"GET http://{target}/ {head}", f"GET / {head}"):
                    closed(f"{request[:40]!r} by {way}", ask_proxy(way, request))
    for scheme in ("ftp", "file", "unix", "gopher", "https"):
        request = f"GET {scheme}://127.0.0.1:{BAIT['tcp']}/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"
        closed(f"by {scheme}", ask_proxy(("127.0.0.1", 3128), request))


@program
def unix_sockets_of_the_host() -> None:
    closed("by path", connect(BAIT["unix"], socket.AF_UNIX))
    closed("by abstract name", connect("\0" + BAIT["abstract"], socket.AF_UNIX))
    for path in ("/run/dbus/system_bus_socket", "/run/systemd/private", "/run/user/1000/bus", "/tmp/.X11-unix/X0"):
        closed(path, connect(path, socket.AF_UNIX))


@program
def the_docker_socket() -> None:
    for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", BAIT["docker"]):
        closed(path, connect(path, socket.AF_UNIX))


@program
def interfaces() -> None:
    never("there is another interface", {name for _, name in socket.if_nameindex()} - {"lo", "tunl0", "sit0"})
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    never("there is a route", routes)


@program
def make_an_interface() -> None:
    """Ask the kernel for a dummy interface."""

    def attempt() -> None:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
            name = b"out0\0\0\0\0"
            body = struct.pack("BxHiII", 0, 0, 0, 0, 0) + struct.pack("HH", 4 + len(name), 3) + name
            kind = b"dummy\0\0\0"
            nested = struct.pack("HH", 4 + len(kind), 1) + kind
            body += struct.pack("HH", 4 + len(nested), 18) + nested
            # RTM_NEWLINK with REQUEST, ACK, CREATE and EXCL.
            link.send(struct.pack("IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
            (code,) = struct.unpack_from("i", link.recv(4096), 16)
            if code:
                raise OSError(-code, os.strerror(-code))

    closed("make an interface", attempt)


@program
def serve_outside() -> None:
    """Bind a port that the host has taken: it is free only in a network namespace of its own."""
    with socket.socket() as server:
        try:
            server.bind(("0.0.0.0", BAIT["tcp"]))
        except OSError as error:
            never("the port of the host is taken here too", error.errno == errno.EADDRINUSE)
        else:
            never("the port of the host is taken here too", False)
