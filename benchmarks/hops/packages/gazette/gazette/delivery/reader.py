"""Readers."""

from dataclasses import dataclass, field


@dataclass
class Reader:
    """A subscriber, the street, and what was booked on the account: charges above zero, payments below."""

    name: str
    street: str
    booked: list[int] = field(default_factory=list)
