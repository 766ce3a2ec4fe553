"""Bookings and the rooms they are in."""

from dataclasses import dataclass, field

from almanac.spans import Span, gaps


class Clash(Exception):
    """A room is taken already."""

    def __init__(self, booking, day):
        super().__init__(f"{booking.title} is there on {day}")
        self.booking = booking
        self.day = day


@dataclass
class Booking:
    title: str
    span: Span
    rule: object
    guests: list = field(default_factory=list)

    def on(self, day):
        return bool(self.rule.days(day, day))


class Room:
    """A room with its opening hours and bookings."""

    def __init__(self, name, open_span, seats):
        self.name = name
        self.open = open_span
        self.seats = seats
        self.bookings = []

    def on(self, day):
        """What is booked on a day, by time."""
        return sorted((one for one in self.bookings if one.on(day)), key=lambda one: one.span)

    def check(self, booking, days):
        """Raise Clash when the room is taken at one of the days."""
        for day in days:
            for other in self.on(day):
                if other.span.overlaps(booking.span):
                    raise Clash(other, day)

    def book(self, booking, horizon):
        first, last = horizon
        self.check(booking, booking.rule.days(first, last))
        self.bookings.append(booking)
        return booking

    def free(self, day, minutes=1):
        """The free spans of a day that last at least so long."""
        taken = [booking.span for booking in self.on(day)]
        return [gap for gap in gaps(taken, self.open) if gap.minutes >= minutes]
