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
        tails = {item for line in rest for item in line[1:]}
        head = next((line[0] for line in rest if line[0] not in tails), None)
        if head is None:
            return tuple(dict.fromkeys([first, *(item for line in lines for item in line)]))
        merged.append(head)
        rest = [left for line in rest if (left := [item for item in line if item != head])]
    return tuple(merged)
