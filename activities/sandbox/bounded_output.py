"""The output of a command within a limit: its beginning and its end, whatever it prints between them."""

from __future__ import annotations

from typing import Any

# Longer lines may be broken by the other stream's.
_LINE = 65_536


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


class CommandOutput:
    """What a command printed: `stdout`, `stderr`, and the lines of both as they came, each within `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.stdout = BoundedOutput(limit)
        self.stderr = BoundedOutput(limit)
        self._both = BoundedOutput(limit)
        # The beginning of a line by its stream: the other one may print before its end.
        self._begun: dict[BoundedOutput, bytes] = {}

    def add(self, chunk: bytes, stream: BoundedOutput) -> None:
        """Add what the command has printed on one of its streams."""
        stream.add(chunk)
        lines, newline, rest = (self._begun.pop(stream, b"") + chunk).rpartition(b"\n")
        self._both.add(lines + newline)
        if len(rest) > _LINE:
            self._both.add(rest)
        else:
            self._begun[stream] = rest

    def finish(self) -> dict[str, Any]:
        """Return the fields of an `Execution` with this output, to which nothing is added any more."""
        for rest in self._begun.values():
            self._both.add(rest)
        self._begun.clear()
        return {
            "output": self._both.text,
            "stdout": self.stdout.text,
            "stderr": self.stderr.text,
            "left_out": self._both.left_out,
        }
