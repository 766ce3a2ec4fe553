"""A queue of messages."""

from mailroom.leases import Leases
from mailroom.message import Message
from mailroom.retries import Retries
from mailroom.waiting import Waiting


class NotHeld(KeyError):
    """A message that is not held by anybody."""


class Queue:
    """Messages that wait, those that are held, and dead letters."""

    def __init__(self, name: str, lease_seconds: float = 30.0, retries: Retries | None = None) -> None:
        self.name = name
        self.retries = retries or Retries()
        self.dead: list[Message] = []
        self._waiting = Waiting()
        self._leases = Leases(lease_seconds)
        self._numbers = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._leases)

    def put(self, message: Message) -> int:
        """Let a copy of a message wait under the next number, and return the number."""
        self._numbers += 1
        own = message.copy()
        own.number = self._numbers
        self._waiting.add(own)
        return own.number

    def take(self, now: float) -> Message | None:
        """Take the next message to hold it until the lease ends; None where none can be taken."""
        self.sweep(now)
        message = self._waiting.take(now)
        if message is not None:
            self._leases.start(message, now)
        return message

    def done(self, number: int) -> None:
        """End a message that is held; NotHeld where it is not."""
        if self._leases.end(number) is None:
            raise NotHeld(number)

    def failed(self, number: int, now: float) -> None:
        """Give a message back that is held: it rests and waits again, or becomes a dead letter."""
        message = self._leases.end(number)
        if message is None:
            raise NotHeld(number)
        message.failures += 1
        if self.retries.gives_up(message.failures):
            self.dead.append(message)
            return
        message.not_before = now + self.retries.rest(message.failures)
        self._waiting.add(message)

    def sweep(self, now: float) -> int:
        """Take the messages whose leases are over from who holds them, and return how many these are."""
        expired = self._leases.expired(now)
        for message in expired:
            self.failed(message.number, now)
        return len(expired)
