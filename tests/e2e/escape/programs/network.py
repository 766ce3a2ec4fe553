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
    for host in ("127.0.0.1", *BAIT["addresses"]):
        closed(f"connect to {host}", connect((host, BAIT["tcp"])))


@program
def udp() -> None:
    for host in ("127.0.0.1", *BAIT["addresses"]):
        closed(f"send to {host}", send((host, BAIT["udp"])))


@program
def names() -> None:
    """Resolve a name, which is a message to whoever serves it."""
    for name in (f"{BAIT['word']}.example.org", "localhost.localdomain.example.org", "host.docker.internal"):
        closed(f"resolve {name}", lambda name=name: socket.getaddrinfo(name, 80))
    for server in ("127.0.0.11", "127.0.0.53", *BAIT["name_servers"]):
        closed(f"ask {server}", send((server, 53)))


@program
def ipv6() -> None:
    closed("connect to ::1", connect(("::1", BAIT["tcp"]), socket.AF_INET6))
    closed("send to ::1", send(("::1", BAIT["udp"]), socket.AF_INET6))


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


@program
def hosts_of_the_web() -> None:
    """Reach hosts beyond the link; the test that runs programs without a sandbox leaves this one out."""
    for host in ("8.8.8.8", "1.1.1.1", "172.17.0.1", "10.0.2.2"):
        for port in (53, 80, 443):
            closed(f"connect to {host}:{port}", connect((host, port)))
        closed(f"send to {host}", send((host, 53)))
    for host in ("2001:4860:4860::8888", "fd00:ec2::254", "64:ff9b::808:808"):
        closed(f"connect to {host}", connect((host, 443), socket.AF_INET6))
        closed(f"send to {host}", send((host, 53), socket.AF_INET6))


@program
def groups_of_hosts() -> None:
    for host in ("255.255.255.255", "224.0.0.1", "224.0.0.251", "239.255.255.250"):
        closed(f"send to {host}", send((host, BAIT["udp"])))
    for host in ("ff02::1", "ff02::fb", "ff05::2"):
        closed(f"send to {host}", send((host, BAIT["udp"]), socket.AF_INET6))

    def broadcast() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sender.sendto(b"x", ("255.255.255.255", BAIT["udp"]))
            sender.settimeout(0.2)
            return sender.recv(100)

    closed("broadcast", broadcast)


@program
def echo_requests() -> None:
    """Send messages of ICMP by the kind of socket that users may open."""

    def ping(host: str, family: int, protocol: int) -> Any:
        with socket.socket(family, socket.SOCK_DGRAM, protocol) as sender:
            sender.settimeout(0.3)
            sender.sendto(struct.pack("!BBHHH", 8 if family == socket.AF_INET else 128, 0, 0, 1, 1), (host, 0))
            return sender.recv(100)

    for host in (*BAIT["addresses"], "10.213.77.2", "169.254.169.254"):
        closed(f"ping {host}", lambda host=host: ping(host, socket.AF_INET, socket.IPPROTO_ICMP))
    closed("ping over IPv6", lambda: ping("fd00:213:77::2", socket.AF_INET6, socket.IPPROTO_ICMPV6))


@program
def other_protocols() -> None:
    for name, kind, protocol in (
        ("SCTP", socket.SOCK_STREAM, 132),
        ("SCTP of messages", socket.SOCK_SEQPACKET, 132),
        ("DCCP", 6, 33),
        ("UDP-Lite", socket.SOCK_DGRAM, 136),
        ("MPTCP", socket.SOCK_STREAM, 262),
        ("SMC", socket.SOCK_STREAM, 0),
    ):
        family = 43 if name == "SMC" else socket.AF_INET
        for host in ("127.0.0.1", *BAIT["addresses"]):

            def attempt(family: int = family, kind: int = kind, protocol: int = protocol, host: str = host) -> Any:
                with socket.socket(family, kind, protocol) as connection:
                    connection.settimeout(0.3)
                    connection.connect((host, BAIT["tcp"]))
                    connection.send(b"x")
                    return connection.recv(10)

            closed(f"{name} to {host}", attempt)


@program
def families_of_old() -> None:
    """Open sockets of families whose code is old and little used, where faults of the kernel are found."""
    for family in (3, 4, 5, 6, 9, 11, 12, 19, 20, 23, 24, 26, 27, 28, 33, 34, 35, 36, 37, 39, 41, 44, 45):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):

            def attempt(family: int = family, kind: int = kind) -> None:
                socket.socket(family, kind).close()

            closed(f"family {family}, kind {kind}", attempt)


@program
def sockets_of_the_host_are_listed() -> None:
    ports = {f":{BAIT[name]:04X}" for name in ("tcp", "udp")}
    for name in ("tcp", "tcp6", "udp", "udp6", "raw", "packet"):
        file = Path(f"/proc/net/{name}")
        lines = file.read_text().splitlines()[1:] if file.exists() else []
        never(f"{name} lists a port of the host", [line for line in lines if ports & {line.split()[1][-5:]}])
    listed = Path("/proc/net/unix").read_text()
    never("sockets of the host are listed", [name for name in (BAIT["unix"], BAIT["abstract"]) if name in listed])


def ask_kernel(protocol: int, kind: int, body: bytes) -> Callable[[], None]:
    """Return an attempt that sends a request over netlink, and fails unless the kernel grants it."""

    def attempt() -> None:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as link:
            link.settimeout(1)
            link.sendto(struct.pack("IHHII", 16 + len(body), kind, 0x605, 1, 0) + body, (0, 0))
            (code,) = struct.unpack_from("i", link.recv(4096), 16)
            if code:
                raise OSError(-code, os.strerror(-code))

    return attempt


@program
def routes_and_addresses() -> None:
    gateway = struct.pack("HHI", 8, 5, 0x0100007F)
    closed("a route", ask_kernel(0, 24, struct.pack("8BI", socket.AF_INET, 0, 0, 0, 254, 4, 0, 1, 0) + gateway))
    address = struct.pack("HH4s", 8, 2, socket.inet_aton("10.213.77.9"))
    closed("an address", ask_kernel(0, 20, struct.pack("4BI", socket.AF_INET, 24, 0, 0, 1) + address))
    name = struct.pack("HHI", 8, 28, 1)
    closed("a namespace by its process", ask_kernel(0, 16, struct.pack("BxHiII", 0, 0, 1, 0, 0) + name))


@program
def netlink_of_the_host() -> None:
    """Write into the host's audit, firewall, crypto and IPsec by netlink."""
    for name, protocol, kind in (
        ("audit", 9, 1112),
        ("IPsec", 6, 0x10),
        ("firewall", 12, 0xA00),
        ("crypto", 21, 0x10),
        ("SELinux", 7, 0x10),
        ("SCSI", 18, 0x10),
    ):
        closed(name, ask_kernel(protocol, kind, bytes(32)))


@program
def disguise_requests_to_the_proxy() -> None:
    """Ask the proxy for one host in the words of another: by a login, a second request, a header, or a broken line."""
    target = f"127.0.0.1:{BAIT['tcp']}"
    for index in ("pypi.org", "registry.npmjs.org"):
        for request in (
            f"GET http://{index}@{target}/ HTTP/1.1\r\nHost: {index}\r\n\r\n",
            f"GET http://{target}#{index}/ HTTP/1.1\r\nHost: {index}\r\n\r\n",
            f"GET http://{target}\\@{index}/ HTTP/1.1\r\nHost: {index}\r\n\r\n",
            f"GET http://{index}.{target}/ HTTP/1.1\r\nHost: {index}\r\n\r\n",
            f"GET http://{target}/?{index} HTTP/1.1\r\nHost: {index}\r\n\r\n",
            f"CONNECT {target} HTTP/1.1\r\nHost: {index}:443\r\n\r\n",
            f"CONNECT {index}@{target} HTTP/1.1\r\nHost: {index}\r\n\r\n",
            f"CONNECT {index}\x00.{target} HTTP/1.1\r\nHost: {index}\r\n\r\n",
            f"CONNECT {index}:{BAIT['tcp']} HTTP/1.1\r\nHost: {target}\r\n\r\n",
            f"GET http://{index}:{BAIT['tcp']}/ HTTP/1.1\r\nHost: {target}\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: {index}\r\nHost: {target}\r\n\r\n",
            f"TRACE http://{target}/ HTTP/1.1\r\nHost: {index}\r\n\r\n",
            f"POST http://{target}/ HTTP/1.1\r\nHost: {index}\r\nContent-Length: 5\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ):
            for way in (("127.0.0.1", 3128), "/package-index"):
                closed(f"{request[:60]!r} by {way}", ask_proxy(way, request))
