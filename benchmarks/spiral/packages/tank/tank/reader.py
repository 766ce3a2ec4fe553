"""Reading fills from lines such as `2024-03-01;48.2;612`: day, litres, kilometres."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fill:
    """One stop at a pump; `litres` is None where the receipt was lost."""

    month: str
    litres: float | None
    distance: int


def amount(text):
    """The number a receipt says, None for an empty field."""
    return float(text) if text else None


def fill(line):
    """The fill of one line."""
    day, litres, distance = line.strip().split(";")
    return Fill(day[:7], amount(litres), int(distance))


def fills(lines):
    """The fills of all lines that are neither blank nor comments."""
    return [fill(line) for line in lines if line.strip() and not line.startswith("#")]
