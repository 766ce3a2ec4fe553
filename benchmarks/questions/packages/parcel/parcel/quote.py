"""What a shipment costs, line by line."""

from dataclasses import dataclass, field

from parcel.extras import Line, extras
from parcel.rates import Rates
from parcel.shipment import Shipment
from parcel.zones import Zones


@dataclass(frozen=True)
class Tariff:
    """Zones, rates and the fuel surcharge in percent."""

    zones: Zones
    rates: Rates
    fuel_percent: int = 0


@dataclass
class Quote:
    """The lines that a shipment costs."""

    shipment: Shipment
    lines: list[Line] = field(default_factory=list)

    @property
    def total(self) -> int:
        """The sum of all lines in cents."""
        return sum(line.cents for line in self.lines)

    def cents(self, kind: str) -> int:
        """Return what the lines of a kind sum up to, 0 where there is none."""
        return sum(line.cents for line in self.lines if line.kind == kind)


def fuel_surcharge(lines: list[Line], percent: int) -> int:
    """Return so many percent of the lines that are marked for fuel, in cents, rounded down."""
    return sum(line.cents for line in lines if line.fuel) * percent // 100


def make_quote(shipment: Shipment, tariff: Tariff) -> Quote:
    """Return the quote of a shipment: transport, extras, fuel."""
    zone = tariff.zones.zone(shipment.postcode)
    lines = [Line("transport", tariff.rates.price(zone, shipment.billed_grams))]
    lines += extras(shipment, tariff.zones.is_remote(shipment.postcode))
    if fuel := fuel_surcharge(lines, tariff.fuel_percent):
        lines.append(Line("fuel", fuel, fuel=False))
    return Quote(shipment, lines)
