"""Dates as the almanac needs them."""

import calendar
import datetime as dt

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def parse_date(text):
    return dt.date.fromisoformat(text)


def weekday(name):
    """The number of a weekday, Monday being 0."""
    return WEEKDAYS.index(name.strip().lower()[:3])


def days_in_month(year, month):
    return calendar.monthrange(year, month)[1]


def add_months(day, months):
    """The same day so many months later, or the last of that month when it is shorter."""
    month = day.month - 1 + months
    year = day.year + month // 12
    month = month % 12 + 1
    return dt.date(year, month, min(day.day, days_in_month(year, month)))


def week_of(day):
    """Monday to Sunday around a day."""
    monday = day - dt.timedelta(days=day.weekday())
    return [monday + dt.timedelta(days=offset) for offset in range(7)]
