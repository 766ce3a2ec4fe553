"""The first of several."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def first_of(things: Iterable[T | None]) -> T | None:
    """The first thing that is there."""
    for thing in things:
        return thing
    return None
