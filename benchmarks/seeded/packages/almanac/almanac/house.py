"""A house of rooms: who fits where, and how much of it is used."""

from almanac.dates import week_of


class House:
    def __init__(self, rooms):
        self.rooms = {room.name: room for room in rooms}

    def candidates(self, guests, minutes, day):
        """Rooms with enough seats and time, the smallest first, with their first free span."""
        found = []
        for room in self.rooms.values():
            free = room.free(day, minutes)
            if room.seats >= guests and free:
                found.append((room, free[0]))
        return sorted(found, key=lambda pair: (pair[0].seats, pair[1].start))

    def use(self, day):
        """By room, the share of its opening hours that is booked."""
        shares = {}
        for name, room in self.rooms.items():
            free = sum(gap.minutes for gap in room.free(day))
            shares[name] = round(1 - free / room.open.minutes, 2)
        return shares

    def busiest(self, day):
        """The day of the week with the most booked minutes, the first of equals."""
        return max(week_of(day), key=self._booked)

    def _booked(self, day):
        return sum(booking.span.minutes for room in self.rooms.values() for booking in room.on(day))
