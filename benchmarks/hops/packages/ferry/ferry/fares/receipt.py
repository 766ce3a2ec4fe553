"""Receipts."""

from dataclasses import dataclass

from ferry.fares.currency import shown


@dataclass
class Receipt:
    """The lines of a receipt: what was sold and its price in pence."""

    lines: list[tuple[str, int]]

    @property
    def total(self) -> int:
        """The sum of all prices."""
        return sum(pence for _, pence in self.lines)

    def text(self) -> str:
        """The receipt as it is printed."""
        rows = [f"{what:<30}{shown(pence):>8}" for what, pence in self.lines]
        return "\n".join([*rows, f"{'total':<30}{shown(self.total):>8}"])
