"""Who waits for what."""

from lending.members import Member


class Holds:
    """For each title a queue of members."""

    def __init__(self) -> None:
        self._queues: dict[str, list[int]] = {}

    def place(self, isbn: str, member: Member) -> int:
        """Put a member at the end of a title's queue, once, and return the place in it, from 1."""
        queue = self._queues.setdefault(isbn, [])
        if member.number not in queue:
            queue.append(member.number)
        return queue.index(member.number) + 1

    def ahead(self, isbn: str, member: Member) -> int:
        """Return how many come before a member: those earlier in the queue, and all for one who does not wait."""
        queue = self._queues.get(isbn, [])
        if member.number not in queue:
            return len(queue)
        return queue.index(member.number)

    def drop(self, isbn: str, member: Member) -> None:
        """Take a member out of a title's queue, where they are in it."""
        queue = self._queues.get(isbn, [])
        if member.number in queue:
            queue.remove(member.number)

    def waiting(self, isbn: str) -> int:
        """Return how many wait for a title."""
        return len(self._queues.get(isbn, []))
