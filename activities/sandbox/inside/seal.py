"""The seal of a test session: records without it are not the recorder's.

/results begins with a line `seal SECRET`. The first test session takes it out before code of the repository runs, so
that this code finds no secret in a file or a variable.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from typing import Any

# The purpose of the seal of the session after this one.
NEXT = "next"
_MARK = b"seal "
# Bytes of the results that a session may find.
_BYTES_LIMIT = 256_000_000


class Seal:
    """A secret, the name of the canary that follows from it, and the seal of the next session."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.canary = f"test_{self._derive('canary')}"

    def wrap(self, record: dict[str, Any]) -> bytes:
        """Return a record as a sealed line, in which the secret cannot be read."""
        data = json.dumps(record).encode()
        return self._sign(data) + b" " + data + b"\n"

    def unwrap(self, line: bytes) -> bytes | None:
        """Return the content of a line with this seal; None for any other line."""
        signature, _, data = line.rstrip(b"\n").partition(b" ")
        return data if hmac.compare_digest(signature, self._sign(data)) else None

    def mark_canary(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a record, the canary's as one of its own kind."""
        if record.get("kind") not in ("test", "start") or not str(record.get("id")).endswith(self.canary):
            return [record]
        return [{"kind": "canary", "outcome": record["outcome"]}] if "outcome" in record else []

    def derive(self, purpose: str) -> Seal:
        """Return the seal of another session: one that follows, or a forked one."""
        return Seal(self._derive(purpose))

    def write_for_next(self, results: int) -> None:
        """Leave the next session its seal."""
        os.write(results, format_seal(self.derive(NEXT).secret))

    def _sign(self, data: bytes) -> bytes:
        # `node_recorder.cjs` signs in the same way.
        return hmac.digest(self.secret.encode(), data, "sha256").hex().encode()

    def _derive(self, purpose: str) -> str:
        return hashlib.sha256(f"{purpose} {self.secret}".encode()).hexdigest()[:32]


def format_seal(secret: str) -> bytes:
    """Return the line that holds a secret for the next session."""
    return _MARK + secret.encode() + b"\n"


def take_seal(results: int) -> Seal:
    """Take the seal out of the results, which are open for reading and writing.

    Without one, because another session runs, the seal is one that nobody else knows: nothing is believed.
    """
    data = os.pread(results, _BYTES_LIMIT, 0)
    start = 0 if data.startswith(_MARK) else data.rfind(b"\n" + _MARK) + 1
    line = data[start:].partition(b"\n")[0]
    if not line.startswith(_MARK):
        return Seal(os.urandom(16).hex())
    os.ftruncate(results, start)
    seal = Seal(line.removeprefix(_MARK).decode("ascii", "replace"))
    os.write(results, seal.wrap({"kind": "session"}))
    return seal
