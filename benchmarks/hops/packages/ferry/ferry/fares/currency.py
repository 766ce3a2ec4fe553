"""Prices in the money of other countries."""

RATES = {"EUR": 1.17, "DKK": 8.7}


def converted(pence: int, currency: str) -> float:
    """A price in another currency, rounded to its cents."""
    return round(pence * RATES[currency] / 100, 2)


def shown(pence: int) -> str:
    """A price as it is printed, such as "4.50"."""
    return f"{pence // 100}.{pence % 100:02d}"
