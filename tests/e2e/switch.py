"""A switch in user space between network devices: each is a link, which may be given a delay and a rate.

It stands in for a kernel's bridge and `tc netem`, which not every kernel has. Lines on standard input steer it, each
is answered by "ok": `add DEVICE`, and `set DEVICE SECONDS BYTES_PER_SECOND`, where a rate of 0 has no limit.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import select
import socket
import time
from dataclasses import dataclass

# As numbers of Linux: SOL_PACKET, and of its options PACKET_VNET_HDR and PACKET_IGNORE_OUTGOING. With the first, frames
# come and go with what the sender left to its card: checksums, and the cutting of large segments.
_LEVEL, _HEADERS, _IGNORE_OUTGOING = 263, 15, 23
# SO_SNDBUFFORCE and SO_RCVBUFFORCE.
_BUFFERS = (32, 33)
_HEADER = 10
_INPUT = 0
_EVERYTHING = 3
_LONGEST = 1 << 17
_BATCH = 64
# What a slow link would keep for longer is dropped, as a router does.
_BACKLOG_SECONDS = 2.0


@dataclass
class Link:
    """A device's link: how long a frame takes each way, and when it is free again for the next."""

    socket: socket.socket
    delay: float = 0.0
    rate: float = 0.0
    free: tuple[float, float] = (0.0, 0.0)

    def pass_frame(self, when: float, size: int, *, inwards: bool) -> float | None:
        """Return when a frame that comes at `when` has passed; None where it is dropped."""
        if not self.rate:
            return when + self.delay
        begin = max(when, self.free[inwards])
        if begin - when > _BACKLOG_SECONDS:
            return None
        end = begin + size / self.rate
        self.free = (self.free[0], end) if inwards else (end, self.free[1])
        return end + self.delay


class Switch:
    """Links by their devices' names, where each address was seen, and the frames that are under way."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._places: dict[bytes, str] = {}
        self._waiting: list[tuple[float, int, Link, bytes]] = []
        self._numbers = itertools.count()

    def run(self) -> None:
        """Forward frames until standard input ends."""
        while True:
            ports = {link.socket.fileno(): name for name, link in self._links.items()}
            timeout = max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None
            ready, _, _ = select.select([_INPUT, *ports], [], [], timeout)
            for number in ready:
                if number in ports:
                    self._receive(ports[number])
                elif not self._steer():
                    return
            self._send()

    def _steer(self) -> bool:
        words = os.read(_INPUT, 1000).decode().split()
        if not words:
            return False
        if words[0] == "add":
            self._links[words[1]] = Link(_open(words[1]))
        else:
            link = self._links[words[1]]
            link.delay, link.rate, link.free = float(words[2]), float(words[3]), (0.0, 0.0)
        print("ok", flush=True)
        return True

    def _receive(self, name: str) -> None:
        source = self._links[name]
        # A link that is down says so by an error, once.
        with contextlib.suppress(OSError):
            for _ in range(_BATCH):
                frame = source.socket.recv(_LONGEST)
                target, sender = frame[_HEADER : _HEADER + 6], frame[_HEADER + 6 : _HEADER + 12]
                self._places[sender] = name
                size = len(frame) - _HEADER
                passed = source.pass_frame(time.monotonic(), size, inwards=True)
                known = self._places.get(target)
                for other in [known] if known else self._links.keys() - {name}:
                    link = self._links[other]
                    if passed and (when := link.pass_frame(passed, size, inwards=False)):
                        heapq.heappush(self._waiting, (when, next(self._numbers), link, frame))

    def _send(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, _, link, frame = heapq.heappop(self._waiting)
            with contextlib.suppress(OSError):
                link.socket.send(frame)


def _open(device: str) -> socket.socket:
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    for option in (_HEADERS, _IGNORE_OUTGOING):
        packets.setsockopt(_LEVEL, option, 1)
    for option in _BUFFERS:
        packets.setsockopt(socket.SOL_SOCKET, option, 16 << 20)
    packets.setblocking(False)
    packets.bind((device, _EVERYTHING))
    return packets


if __name__ == "__main__":
    Switch().run()
