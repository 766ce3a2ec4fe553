"""Times of a timetable, in minutes."""

DAY = 24 * 60


def parse_time(text: str) -> int:
    """Read `7:05` or, for the night after, `24:40`."""
    hours, minutes = text.strip().split(":")
    if not 0 <= int(minutes) < 60:
        raise ValueError(f"{text} is no time")
    return int(hours) * 60 + int(minutes)


def show_time(minutes: int) -> str:
    """Return a time as a clock shows it: 1480 is `00:40`."""
    hours, rest = divmod(minutes % DAY, 60)
    return f"{hours:02}:{rest:02}"
