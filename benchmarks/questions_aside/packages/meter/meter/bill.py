"""Bills."""

from collections.abc import Iterable
from dataclasses import dataclass

from meter.money import divide, percent, show
from meter.rates import Prices, split
from meter.readings import Meter, usages


@dataclass(frozen=True)
class Bill:
    """Kilowatt hours by rate, and sums in cents."""

    kwh: dict[str, int]
    net: int
    tax: int

    @property
    def total(self) -> int:
        """What is to be paid in cents, below zero where money comes back."""
        return self.net + self.tax


def make_bill(meters: Iterable[Meter], prices: Prices, tax_rate: int = 19, paid: int = 0) -> Bill:
    """Return the bill of some meters: what was used, less what was paid before tax in cents, and the tax of that."""
    kwh = split(usage for meter in meters for usage in usages(meter))
    tenths = kwh["day"] * prices.day + kwh["night"] * prices.night
    net = divide(tenths, 10) - paid
    return Bill(kwh, net, percent(net, tax_rate))


def text(bill: Bill) -> str:
    """Return a bill as text, a line for each rate and each sum."""
    rows = [f"{rate}: {kwh} kWh" for rate, kwh in bill.kwh.items()]
    rows += [f"net: {show(bill.net)}", f"tax: {show(bill.tax)}", f"total: {show(bill.total)}"]
    return "\n".join(rows)
