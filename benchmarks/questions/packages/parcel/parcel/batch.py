"""Many shipments at once."""

from collections.abc import Iterable

from parcel.quote import Quote, Tariff, make_quote
from parcel.shipment import parse_shipment


def read_batch(text: str, tariff: Tariff) -> list[Quote]:
    """Return the quotes of the shipments in a text, one a line; empty lines and those after a `#` are left out."""
    lines = (line.strip() for line in text.splitlines())
    return [make_quote(parse_shipment(line), tariff) for line in lines if line and not line.startswith("#")]


def total(quotes: Iterable[Quote]) -> int:
    """Return what all quotes cost in cents."""
    return sum(quote.total for quote in quotes)


def by_kind(quotes: Iterable[Quote]) -> dict[str, int]:
    """Return what all quotes cost in cents by the kinds of their lines, in the order in which these come up."""
    sums: dict[str, int] = {}
    for quote in quotes:
        for line in quote.lines:
            sums[line.kind] = sums.get(line.kind, 0) + line.cents
    return sums


def receipt(quotes: Iterable[Quote]) -> str:
    """Return the sums by kind as text, a line each, and the total below, in euros."""
    sums = by_kind(quotes)
    rows = [*sums.items(), ("total", sum(sums.values()))]
    return "\n".join(f"{kind:<12}{cents / 100:>9.2f}" for kind, cents in rows)
