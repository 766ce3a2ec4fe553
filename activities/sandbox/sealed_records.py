"""The records of a run that bear its seal: whatever else stands in the results file was not written by a recorder."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from activities.sandbox.inside.seal import NEXT, Seal, format_seal
from activities.sandbox.results import parse_line, read_lines

# Test sessions of one command, each with a seal of its own.
SESSIONS_LIMIT = 64


def start_results(path: Path) -> str:
    """Make the results file of a run, with its seal for the first session, and return the secret."""
    secret = secrets.token_hex(16)
    path.write_bytes(format_seal(secret))
    return secret


def read_records(path: Path, secret: str) -> Iterator[dict[str, Any]]:
    """Yield the sealed records; a session that took the seal and left nothing is a record too."""
    seal, left = Seal(secret), SESSIONS_LIMIT
    is_taken, is_empty = True, True
    for number, line in enumerate(read_lines(path)):
        if number == 0 and line == format_seal(secret):
            is_taken = False
        content = seal.unwrap(line)
        if content is None and left:
            # Sessions follow each other, so the seal can only be the next one.
            following = seal.derive(NEXT)
            content = following.unwrap(line)
            if content is not None:
                seal, left = following, left - 1
        record = parse_line(content) if content is not None else None
        if record is not None:
            is_empty = False
            yield from seal.mark_canary(record)
    if is_taken and is_empty:
        yield {"kind": "session"}
