"""Prices by zone and weight."""

from collections.abc import Mapping, Sequence

Band = tuple[int, int]


class TooHeavy(ValueError):
    """A weight beyond the last band of a zone."""


class Rates:
    """Bands for each zone: up to so many grams, the limit included, it costs so many cents."""

    def __init__(self, bands: Mapping[str, Sequence[Band]]) -> None:
        self._bands = {zone: sorted(rows) for zone, rows in bands.items()}

    def price(self, zone: str, grams: int) -> int:
        """Return the price of a weight in a zone in cents; TooHeavy beyond the last band."""
        for limit, cents in self._bands[zone]:
            if grams <= limit:
                return cents
        raise TooHeavy(f"{grams} g are too heavy for {zone}")

    def limit(self, zone: str) -> int:
        """Return the greatest weight that a zone takes."""
        return self._bands[zone][-1][0]
