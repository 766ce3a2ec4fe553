"""Boxes and what their sides say."""

from dataclasses import dataclass

CUBIC_PER_GRAM = 5


@dataclass(frozen=True)
class Box:
    """A box; its sides are in centimetres and in any order."""

    length: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if min(self.length, self.width, self.height) < 1:
            raise ValueError("each side of a box is at least 1 cm long")

    @property
    def sides(self) -> tuple[int, int, int]:
        """The sides, the longest first."""
        first, second, third = sorted((self.length, self.width, self.height), reverse=True)
        return first, second, third

    @property
    def volume(self) -> int:
        """The volume in cubic centimetres."""
        return self.length * self.width * self.height

    @property
    def girth(self) -> int:
        """The longest side and twice the sum of the other two, in centimetres."""
        longest, second, third = self.sides
        return longest + 2 * (second + third)


def volumetric_grams(box: Box) -> int:
    """Return what a box counts as by its volume, in grams, rounded up."""
    return -(-box.volume // CUBIC_PER_GRAM)


def parse_box(text: str) -> Box:
    """Read `30x20x10`."""
    length, width, height = (int(part) for part in text.lower().split("x"))
    return Box(length, width, height)
