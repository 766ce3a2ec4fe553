"""Subscribers to the newsletter."""

from courier.common.shapes import canonical


class Subscribers:
    """The addresses that get the newsletter."""

    def __init__(self) -> None:
        self._addresses: set[str] = set()

    def subscribe(self, address: str) -> None:
        """Add an address."""
        self._addresses.add(canonical(address))

    def unsubscribe(self, address: str) -> bool:
        """Remove an address, however it is spelled; whether it was there."""
        found = canonical(address) in self._addresses
        self._addresses.discard(canonical(address))
        return found
