"""Stacks of mappings."""

from collections.abc import Mapping, Sequence

from courier.common.first import first_of


class Stack:
    """Mappings of which the upper ones hide the lower ones."""

    def __init__(self, layers: Sequence[Mapping[str, str | None]]) -> None:
        self._layers = layers

    def read(self, key: str) -> str | None:
        """What the uppermost layer says."""
        return first_of([layer[key] for layer in self._layers if key in layer])
