"""People."""

from dataclasses import dataclass
from datetime import time


@dataclass(frozen=True)
class Person:
    """Someone who waits for a parcel; `quiet` is when nothing may be sent."""

    name: str
    address: str
    quiet: tuple[time, time] | None = None
