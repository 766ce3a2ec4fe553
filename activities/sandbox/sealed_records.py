"""The records of a run that bear its seal: whatever else stands in the results file was not written by a recorder."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from activities.sandbox.inside.seal import NEXT, Seal, format_seal
from activities.sandbox.results import list_passed, parse_line, read_lines

# Test sessions of one command, each with a seal of its own.
SESSIONS_LIMIT = 64
# Beyond so many records, or bytes of them, the tests that passed are only counted, and what they executed is left out.
RECORDS_LIMIT = 400_000
RECORDS_BYTES = 64_000_000
_DISPENSABLE = ("passed", "lines", "seen", "values")


def start_results(path: Path) -> str:
    """Make the results file of a run, with its seal for the first session, and return the secret."""
    secret = secrets.token_hex(16)
    path.write_bytes(format_seal(secret))
    return secret


def read_records(path: Path, secret: str) -> Iterator[dict[str, Any]]:
    """Yield the sealed records, without the beginnings of tests that have ended, as many as the host can hold.

    A session that took the seal and left nothing is a record too.
    """
    begun: dict[str, dict[str, Any]] = {}
    left, room, unnamed = RECORDS_LIMIT, RECORDS_BYTES, 0
    for record, size in _read_sealed(path, secret):
        kind, test = record.get("kind"), str(record.get("id"))
        if kind == "candidate":
            yield from _end_part(begun, unnamed)
            begun, unnamed = {}, 0
        if kind == "start":
            if len(begun) < RECORDS_LIMIT:
                begun[test] = record
            continue
        if kind == "test":
            begun.pop(test, None)
        left, room = left - 1, room - size
        if (left >= 0 and room >= 0) or _is_needed(record):
            yield record
        else:
            unnamed += len(list_passed(record)) + (record.get("outcome") == "passed")
    yield from _end_part(begun, unnamed)


def _is_needed(record: dict[str, Any]) -> bool:
    if record.get("kind") == "test":
        return record.get("outcome") in ("failed", "error")
    return record.get("kind") not in _DISPENSABLE


def _end_part(begun: dict[str, dict[str, Any]], unnamed: int) -> Iterator[dict[str, Any]]:
    yield from begun.values()
    if unnamed:
        yield {"kind": "unnamed", "count": unnamed}


def _read_sealed(path: Path, secret: str) -> Iterator[tuple[dict[str, Any], int]]:
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
            yield from ((marked, len(line)) for marked in seal.mark_canary(record))
    if is_taken and is_empty:
        yield {"kind": "session"}, 0
