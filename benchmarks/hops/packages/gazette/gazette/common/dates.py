"""Dates as the paper prints them."""

from datetime import date


def dateline(city: str, day: date) -> str:
    """Where and when an article was written."""
    return f"{city.upper()}, {day.day} {day:%B}"
