"""The agenda of a day, as it hangs on the door."""

from almanac.spans import show_clock


def rows(room, day):
    """(clock, title) of all that begins on a day."""
    return [(show_clock(booking.span.start), booking.title) for booking in room.on(day)]


def door_sign(room, day):
    """The sign of a room: what is on, and when it is free for an hour."""
    lines = [f"{room.name}, {day.isoformat()}"]
    for booking in room.on(day):
        begin, end = show_clock(booking.span.start), show_clock(booking.span.end)
        lines.append(f"{begin:>5} to {end:>5}  {booking.title} ({len(booking.guests)})")
    hours = room.free(day, 60)
    if hours:
        lines.append("free: " + ", ".join(show_clock(gap.start) for gap in hours))
    else:
        lines.append("full")
    return "\n".join(lines)


def invitations(house, guest, first, last):
    """All that a guest is asked to within some days, as (day, clock, room, title)."""
    found = []
    for room in house.rooms.values():
        for booking in room.bookings:
            if guest in booking.guests:
                for day in booking.rule.days(first, last):
                    found.append((day, show_clock(booking.span.start), room.name, booking.title))
    return sorted(found)
