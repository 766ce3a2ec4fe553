"""Readings read from text."""

import datetime as dt

from meter.readings import Meter, Reading, parse_meter


def read_feed(text: str) -> dict[str, Meter]:
    """Read meters and readings, each a line, and return the meters by number; empty lines are left out.

    `meter NUMBER [DIGITS]`; `NUMBER 2024-03-30T21:00 KWH`, in UTC and in order.
    """
    meters: dict[str, Meter] = {}
    for line in filter(str.strip, text.splitlines()):
        first, *rest = line.split()
        if first == "meter":
            meters[rest[0]] = parse_meter(rest)
        else:
            at, register = rest
            meters[first].add(Reading(dt.datetime.fromisoformat(at), int(register)))
    return meters
