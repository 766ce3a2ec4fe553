"""The order in which the attributes of a class are looked up."""

from collections.abc import Hashable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def linearise(first: T, lines: Sequence[Sequence[T]]) -> tuple[T, ...]:
    """Return the C3 linearisation of a class whose bases have these; depth first where there is none.

    Source: https://docs.python.org/3/howto/mro.html.
    """
    rest = [list(line) for line in [*lines, [line[0] for line in lines if line]] if line]
    merged = [first]
    while rest:
        tails = {one for line in rest for one in line[1:]}
        head = next((line[0] for line in rest if line[0] not in tails), None)
        if head is None:
            return tuple(dict.fromkeys([first, *(one for line in lines for one in line)]))
        merged.append(head)
        rest = [left for line in rest if (left := [one for one in line if one != head])]
    return tuple(merged)
