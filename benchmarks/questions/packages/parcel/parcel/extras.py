"""What is paid beside the transport."""

from dataclasses import dataclass

from parcel.shipment import Shipment

GIRTH_LIMIT = 300
BULKY = 1200
REMOTE = 450
PICKUP = 300
FREE_VALUE = 5000
VALUE_STEP = 10000
STEP_FEE = 90


@dataclass(frozen=True)
class Line:
    """A line of a quote in cents; `fuel` says whether the fuel surcharge counts it."""

    kind: str
    cents: int
    fuel: bool = True


def insurance(value: int) -> int:
    """Return the fee for a value in cents: nothing up to 50 euros, then 90 cents for each started 100 euros."""
    if value <= FREE_VALUE:
        return 0
    return -(-(value - FREE_VALUE) // VALUE_STEP) * STEP_FEE


def extras(shipment: Shipment, remote: bool) -> list[Line]:
    """Return the lines for what is special about a shipment."""
    lines = []
    if shipment.box.girth > GIRTH_LIMIT:
        lines.append(Line("bulky", BULKY))
    if remote:
        lines.append(Line("remote", REMOTE))
    if shipment.pickup:
        lines.append(Line("pickup", PICKUP, fuel=False))
    if fee := insurance(shipment.value):
        lines.append(Line("insurance", fee, fuel=False))
    return lines
