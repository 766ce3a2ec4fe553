"""Amounts of money in whole cents."""

from decimal import ROUND_HALF_UP, Decimal


def cents(text):
    """Read `1,234.50`, `-3` or `12.5` as cents."""
    value = Decimal(text.replace(",", "").strip())
    return int((value * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def show(amount):
    """Cents as `1,234.50`."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100:,}.{abs(amount) % 100:02d}"


def split(amount, shares):
    """An amount by shares, in whole cents; the sum is kept, and the first shares take what is left over."""
    total = sum(shares)
    parts = [amount * share // total for share in shares]
    for number in range(amount - sum(parts)):
        parts[number] += 1
    return parts
