"""Spans of minutes within a day, half open: a span ends where the next may begin."""

from dataclasses import dataclass

DAY = 24 * 60


@dataclass(frozen=True, order=True)
class Span:
    """From `start` to `end`, in minutes since midnight."""

    start: int
    end: int

    def __post_init__(self):
        if not 0 <= self.start < self.end <= DAY:
            raise ValueError(f"not a span: {self.start}-{self.end}")

    @property
    def minutes(self):
        return self.end - self.start

    def overlaps(self, other):
        return self.start < other.end and other.start < self.end

    def touches(self, other):
        """Whether there is no minute between the two."""
        return self.start <= other.end and other.start <= self.end


def parse_clock(text):
    """Minutes since midnight of `9:30`."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes or 0)


def show_clock(minutes):
    return f"{minutes // 60}:{minutes % 60:02d}"


def parse_span(text):
    """The span of `9:30-11:00`."""
    first, last = text.split("-")
    return Span(parse_clock(first), parse_clock(last))


def merged(spans):
    """The same time in as few spans as possible, ascending."""
    found = []
    for span in sorted(spans):
        if found and found[-1].touches(span):
            last = found.pop()
            span = Span(last.start, max(last.end, span.end))
        found.append(span)
    return found


def gaps(spans, within):
    """What `spans` leave free of the span `within`."""
    free = []
    at = within.start
    for span in merged(spans):
        if span.end <= within.start or span.start >= within.end:
            continue
        if span.start > at:
            free.append(Span(at, span.start))
        at = max(at, span.end)
    if at < within.end:
        free.append(Span(at, within.end))
    return free
