"""Meters and their readings."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

DIGITS = 5


@dataclass(frozen=True)
class Reading:
    """What the register of a meter shows at a moment in UTC, in kilowatt hours."""

    at: dt.datetime
    register: int


@dataclass
class Meter:
    """A meter with the digits of its register, and its readings in order."""

    number: str
    digits: int = DIGITS
    readings: list[Reading] = field(default_factory=list)

    def add(self, reading: Reading) -> None:
        """Add a reading, which has to be later than those before it and fit into the register."""
        if self.readings and reading.at <= self.readings[-1].at:
            raise ValueError(f"{reading.at} is not after {self.readings[-1].at}")
        if not 0 <= reading.register < 10**self.digits:
            raise ValueError(f"{reading.register} does not fit into {self.digits} digits")
        self.readings.append(reading)


def parse_meter(words: Sequence[str]) -> Meter:
    """Read a number, and the digits of the register where they are given."""
    number, *digits = words
    return Meter(number, int(digits[0]) if digits else DIGITS)


@dataclass(frozen=True)
class Usage:
    """Kilowatt hours that were used from a moment in UTC on, until the next reading."""

    since: dt.datetime
    kwh: int


def usages(meter: Meter) -> list[Usage]:
    """Return what was used between each two readings of a meter, its register beginning anew included."""
    pairs = zip(meter.readings, meter.readings[1:], strict=False)
    size = 10**meter.digits
    return [Usage(first.at, (second.register - first.register) % size) for first, second in pairs]
