"""Units of weight, volume and count, and amounts in them."""

from dataclasses import dataclass

# By unit: what it measures and how many of the base unit it is.
UNITS = {
    "g": ("weight", 1),
    "kg": ("weight", 1000),
    "oz": ("weight", 28.35),
    "ml": ("volume", 1),
    "l": ("volume", 1000),
    "tsp": ("volume", 5),
    "tbsp": ("volume", 15),
    "cup": ("volume", 240),
    "pc": ("count", 1),
    "dozen": ("count", 12),
}


class UnitError(Exception):
    """Two amounts that cannot be compared."""


@dataclass(frozen=True)
class Amount:
    """So many of a unit."""

    number: float
    unit: str = "pc"

    def __post_init__(self):
        if self.unit not in UNITS:
            raise UnitError(f"no such unit: {self.unit}")

    @property
    def measure(self):
        return UNITS[self.unit][0]

    def base(self):
        """How many of the base unit of its measure it is."""
        return self.number * UNITS[self.unit][1]

    def to(self, unit):
        """The same in another unit of the measure."""
        if unit not in UNITS or UNITS[unit][0] != self.measure:
            raise UnitError(f"{self.unit} is no {unit}")
        return Amount(self.base() / UNITS[unit][1], unit)

    def __add__(self, other):
        return Amount(self.number + other.to(self.unit).number, self.unit)

    def __sub__(self, other):
        return Amount(self.number - other.to(self.unit).number, self.unit)

    def __mul__(self, factor):
        return Amount(self.number * factor, self.unit)

    def covers(self, other):
        """Whether there is at least as much of it as of the other."""
        return self.measure == other.measure and self.base() >= other.base() - 1e-9


def show(amount):
    """The amount as a cook writes it."""
    number = round(amount.number, 2)
    text = str(int(number)) if number == int(number) else f"{number:g}"
    return text if amount.unit == "pc" else f"{text} {amount.unit}"
