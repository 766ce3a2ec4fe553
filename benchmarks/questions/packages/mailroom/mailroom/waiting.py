"""Messages that wait to be taken."""

from mailroom.message import Message


class Waiting:
    """Messages in the order in which they are to be taken."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: Message) -> None:
        """Put a message where it belongs by its priority and its number."""
        self._messages.append(message)
        self._messages.sort(key=lambda one: (-one.priority, one.number))

    def take(self, now: float) -> Message | None:
        """Take out the first message whose rest is over; None where there is none."""
        for at, message in enumerate(self._messages):
            if message.not_before <= now:
                return self._messages.pop(at)
        return None

    def next_time(self) -> float | None:
        """Return from when on there is a message to take, None where there is none at all."""
        return min((message.not_before for message in self._messages), default=None)
