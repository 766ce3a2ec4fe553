"""The output of a command within a limit: its beginning and its end, whatever it prints between them."""

from __future__ import annotations


class BoundedOutput:
    """An output of which at most `limit` bytes are held; `left_out` counts the others."""

    def __init__(self, limit: int) -> None:
        self._head_limit = limit // 2
        self._tail_limit = limit - self._head_limit
        self._head = bytearray()
        self._tail = bytearray()
        self.left_out = 0

    def add(self, chunk: bytes) -> None:
        """Add what the command has printed."""
        room = self._head_limit - len(self._head)
        self._head += chunk[:room]
        rest = chunk[room:]
        # The end, because that is where a test runner says how its tests ended.
        self._tail += rest[-self._tail_limit :]
        excess = max(0, len(self._tail) - self._tail_limit)
        del self._tail[:excess]
        self.left_out += excess + max(0, len(rest) - self._tail_limit)

    @property
    def text(self) -> str:
        """The output as text, with a line where something is left out."""
        if not self.left_out:
            return (self._head + self._tail).decode(errors="replace")
        head, tail = self._head.decode(errors="replace"), self._tail.decode(errors="replace")
        return f"{head}\n[{self.left_out:,} bytes left out]\n{tail}"
