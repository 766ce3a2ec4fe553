"""Invoices: lines of articles, their totals, and how they print."""

from dataclasses import dataclass

from depot.pricing import pieces_to_next_tier, tier_for, with_tax

TAX_RATE = 0.2
PIECES_PER_PARCEL = 10
PARCEL_FEE = 1.5
SMALL_ORDER = 10.0
SMALL_ORDER_FEE = 2.0
WIDTH = 40


@dataclass
class Line:
    """So many pieces of an article."""

    article: object
    quantity: int


class Invoice:
    """What a customer owes."""

    def __init__(self, customer):
        self.customer = customer
        self.lines = []

    def add(self, article, quantity):
        if quantity < 1:
            raise ValueError("an order has at least one piece")
        for line in self.lines:
            if line.article.sku == article.sku:
                line.quantity += quantity
                return line
        line = Line(article, quantity)
        self.lines.append(line)
        return line

    def net(self):
        return sum(line_total(line) for line in self.lines)

    def gross(self):
        return with_tax(self.net(), TAX_RATE)


def line_total(line):
    """What a line costs before tax: pieces, parcels and, for few pieces, a surcharge."""
    tier = tier_for(line.quantity, line.article.tiers)
    parcels = (line.quantity + PIECES_PER_PARCEL - 1) // PIECES_PER_PARCEL
    total = line.quantity * tier.unit_price + parcels * PARCEL_FEE
    if total < SMALL_ORDER:
        total = total + SMALL_ORDER_FEE
    return round(total, 2)


def hint(line):
    """A word on how far the next price is, empty when there is none."""
    missing = pieces_to_next_tier(line.quantity, line.article.tiers)
    return f"{missing} more for the next price" if missing else ""


def render(invoice):
    """The invoice as text, one row a line and the sums below."""
    rows = [f"Invoice for {invoice.customer}"]
    for line in invoice.lines:
        label = f"{line.quantity} x {line.article.name}"
        rows.append(f"{label:<{WIDTH - 10}}{line_total(line):>10.2f}")
    rows.append(f"{'net':<{WIDTH - 10}}{invoice.net():>10.2f}")
    rows.append(f"{'gross':<{WIDTH - 10}}{invoice.gross():>10.2f}")
    return "\n".join(rows)
