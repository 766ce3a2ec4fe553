"""What somebody wants to send."""

from dataclasses import dataclass

from parcel.sizes import Box, parse_box, volumetric_grams


@dataclass(frozen=True)
class Shipment:
    """A box with its weight in grams, its value in cents, and where it goes."""

    postcode: str
    box: Box
    grams: int
    value: int = 0
    pickup: bool = False

    @property
    def billed_grams(self) -> int:
        """What is paid for: the weight, or what the volume counts as where that is more."""
        return max(self.grams, volumetric_grams(self.box))


def parse_shipment(line: str) -> Shipment:
    """Read `postcode;30x20x10;1200;5000;pickup`: weight in grams, value in cents; the last two may be left out."""
    postcode, box, grams, *rest = (part.strip() for part in line.split(";"))
    value = int(rest[0]) if rest and rest[0] else 0
    return Shipment(postcode, parse_box(box), int(grams), value, "pickup" in rest[1:])
