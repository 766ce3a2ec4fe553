"""Messages that somebody holds."""

from dataclasses import dataclass

from mailroom.message import Message


@dataclass(frozen=True)
class Lease:
    """A message that is held until a deadline."""

    message: Message
    deadline: float


class Leases:
    """All leases of a queue, by the numbers of the messages."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._leases: dict[int, Lease] = {}

    def __len__(self) -> int:
        return len(self._leases)

    def start(self, message: Message, now: float) -> Lease:
        """Hold a message from now on."""
        lease = Lease(message, now + self._seconds)
        self._leases[message.number] = lease
        return lease

    def end(self, number: int) -> Message | None:
        """End a lease and return its message, None where the message is not held."""
        lease = self._leases.pop(number, None)
        return None if lease is None else lease.message

    def expired(self, now: float) -> list[Message]:
        """Return the messages whose deadline has come, in the order of their deadlines."""
        over = [lease for lease in self._leases.values() if now >= lease.deadline]
        return [lease.message for lease in sorted(over, key=lambda lease: lease.deadline)]
