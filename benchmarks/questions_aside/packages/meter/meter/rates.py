"""Rates by the time of the day."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from meter.localtime import to_local
from meter.readings import Usage

NIGHT_BEGINS = 22
NIGHT_ENDS = 6


@dataclass(frozen=True)
class Prices:
    """What a kilowatt hour costs in tenths of a cent, by day and by night."""

    day: int
    night: int


def rate_at(utc: dt.datetime) -> str:
    """Return the rate at a moment in UTC, `day` or `night`, by its local time."""
    hour = to_local(utc).hour
    return "night" if hour >= NIGHT_BEGINS or hour < NIGHT_ENDS else "day"


def split(usages: Iterable[Usage]) -> dict[str, int]:
    """Return the kilowatt hours of each rate; both are there, with 0 where nothing was used."""
    sums = {"day": 0, "night": 0}
    for usage in usages:
        sums[rate_at(usage.since)] += usage.kwh
    return sums
