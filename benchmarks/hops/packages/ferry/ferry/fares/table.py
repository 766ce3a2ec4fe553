"""The fare table."""

from datetime import date

from ferry.fares.child import share_for_age
from ferry.fares.season import with_surcharge

ZONES = {"inner": 450, "outer": 830, "islands": 1475}


def price(zone: str, age: int, day: date) -> int:
    """The fare of one passenger, in pence."""
    return with_surcharge(ZONES[zone] * share_for_age(age), day)
