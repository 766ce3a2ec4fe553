"""A broker: it brings messages to queues, and queues to consumers."""

from collections.abc import Callable

from mailroom.message import Message
from mailroom.queue import Queue
from mailroom.topics import fits

Consumer = Callable[[Message], None]


class Broker:
    """Queues, each with the pattern of the topics that it takes."""

    def __init__(self) -> None:
        self._queues: dict[str, tuple[str, Queue]] = {}

    def add(self, queue: Queue, pattern: str) -> None:
        """Add a queue for the topics that fit a pattern."""
        self._queues[queue.name] = (pattern, queue)

    def publish(self, message: Message) -> list[str]:
        """Put a message into each queue whose pattern fits, and return the names of these queues."""
        names = []
        for name, (pattern, queue) in self._queues.items():
            if fits(pattern, message.topic):
                queue.put(message)
                names.append(name)
        return names

    def work(self, name: str, consumer: Consumer, now: float) -> int:
        """Give a consumer what a queue has at a moment, and return how many messages went well.

        Where the consumer raises an error, the error's text goes into the header `error` and the message has failed.
        """
        queue = self._queues[name][1]
        well = 0
        while (message := queue.take(now)) is not None:
            try:
                consumer(message)
            except Exception as error:
                message.headers["error"] = str(error)
                queue.failed(message.number, now)
            else:
                queue.done(message.number)
                well += 1
        return well
