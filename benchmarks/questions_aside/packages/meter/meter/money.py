"""Sums of money in whole cents."""


def divide(number: int, by: int) -> int:
    """Return a quotient as a whole number, a half rounded away from zero; `by` is positive."""
    whole = (2 * abs(number) + by) // (2 * by)
    return whole if number >= 0 else -whole


def percent(cents: int, rate: int) -> int:
    """Return so many percent of a sum in whole cents, a half rounded away from zero."""
    return divide(cents * rate, 100)


def show(cents: int) -> str:
    """Return a sum as `-12.05`."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"
