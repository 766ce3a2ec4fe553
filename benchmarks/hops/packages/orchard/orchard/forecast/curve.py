"""Curves."""


class Curve:
    """Points in between which values are read off; `points` ascend."""

    points: tuple[tuple[float, float], ...] = ()

    def at(self, x: float) -> float:
        """The value at `x`; beyond the ends, that of the end."""
        low = self.points[0]
        for high in self.points:
            if x <= high[0]:
                share = (x - low[0]) / (high[0] - low[0]) if high[0] > low[0] else 1.0
                return high[1] + share * (high[1] - low[1])
            low = high
        return low[1]
