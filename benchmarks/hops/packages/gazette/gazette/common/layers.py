"""Things that cover others."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T")


def topmost(things: Iterable[T], key: Callable[[T], tuple[Hashable, int]]) -> list[T]:
    """Of the things that share a place the one on top; `key` gives the place and the height."""
    top: dict[Hashable, T] = {}
    for thing in things:
        top[key(thing)] = thing
    return list(top.values())
