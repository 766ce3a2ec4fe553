"""How often strangers were refused lately: who is refused too often waits, by address and in all."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from hydranet.errors import UsageError

WINDOW_SECONDS = 60.0
MOST_BY_ADDRESS, MOST = 20, 200
"""So many refused requests within a minute; those of nodes with a certificate do not count."""


class ThrottledError(UsageError):
    """Too many requests were refused: the next is not looked at."""


class Throttle:
    """The refusals of the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refusals: deque[tuple[float, str]] = deque(maxlen=MOST)

    def note(self, address: str) -> None:
        """Count a refusal."""
        self._refusals.append((self._clock(), group_address(address)))

    def check(self, address: str) -> None:
        """Raise ThrottledError where this address, or all strangers together, were refused too often."""
        while self._refusals and self._clock() - self._refusals[0][0] >= WINDOW_SECONDS:
            self._refusals.popleft()
        group = group_address(address)
        own = sum(other == group for _, other in self._refusals)
        if own >= MOST_BY_ADDRESS:
            raise ThrottledError(
                f"Node A refused {own} requests from this address within a minute: wait a minute, and join with a "
                "valid token (`hydra cluster token create` on node A)."
            )
        if len(self._refusals) >= MOST:
            raise ThrottledError(
                f"Node A refused {MOST} requests within a minute, so somebody tries tokens: wait a minute, and see "
                "logs/stack.log there for the addresses."
            )


def group_address(address: str) -> str:
    """Return what counts as one address: of IPv6, where a machine has many, the first half."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or f"{IPv6Address(int(parsed) >> 64 << 64)}/64")
    return str(parsed)
