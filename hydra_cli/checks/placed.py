"""A check with the place it was made at."""

from __future__ import annotations

from typing import NamedTuple

from hydranet.contracts import Check, Level
from hydranet.errors import HydraError


class PlacedCheck(NamedTuple):
    """What was looked at, where, how it is and what to do."""

    where: str
    check: Check


def report(where: str, name: str, text: str, level: Level = Level.OK, remedy: str = "") -> PlacedCheck:
    """Return the finding of a check that was made here."""
    return PlacedCheck(where, Check(name=name, level=level, text=text, remedy=remedy))


def report_error(where: str, name: str, error: HydraError) -> PlacedCheck:
    """Return the failed check of an error, whose sentence ends with what to do."""
    cause, _, remedy = str(error).rpartition(": ")
    if not cause:
        return report(where, name, remedy, Level.FAIL)
    return report(where, name, cause, Level.FAIL, f"{remedy[:1].upper()}{remedy[1:]}")
