"""What lies between two moments."""

from datetime import date


def days_between(first: date, last: date) -> int:
    """How many days after the first day the last one is."""
    return 365 * (last.year - first.year) + 31 * (last.month - first.month) + last.day - first.day


def weeks_between(first: date, last: date) -> int:
    """How many whole weeks lie between two days."""
    return (last - first).days // 7
