"""Bookings read from lines such as `Choir; 18:00-20:00; 2024-01-09; weekly tue,fri /2; ann bob`."""

from almanac.booking import Booking
from almanac.dates import parse_date
from almanac.recurrence import Monthly, Once, Weekly
from almanac.spans import parse_span


def parse_rule(start, text):
    kind, *words = text.split()
    if kind == "once":
        return Once(start)
    if kind == "weekly":
        every = 1
        if words and words[-1].startswith("/"):
            every = int(words.pop()[1:])
        names = words[0].split(",") if words else [start.strftime("%a")]
        return Weekly(start, names, every)
    if kind == "monthly":
        return Monthly(start, int(words[0]) if words else None)
    raise ValueError(f"no such rule: {kind}")


def parse_booking(line):
    title, span, start, rule, *guests = [part.strip() for part in line.split(";")]
    first = parse_date(start)
    names = guests[0].split() if guests else []
    return Booking(title, parse_span(span), parse_rule(first, rule), names)


def load(room, text, horizon):
    """Book every line of a feed; comments and empty lines are left out."""
    for line in text.splitlines():
        line = line.strip()
        if line and not line.startswith("#"):
            room.book(parse_booking(line), horizon)
    return room
