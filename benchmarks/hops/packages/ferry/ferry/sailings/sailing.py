"""Sailings."""

from dataclasses import dataclass, field
from datetime import time

from ferry.common.marks import is_struck


@dataclass
class Sailing:
    """One departure and what the harbour office has marked beside it."""

    leaves: time
    to: str
    marks: list[str] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Whether the boat goes."""
        return not is_struck(self.marks)
