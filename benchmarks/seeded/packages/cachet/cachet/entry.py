"""What a layer keeps of a document."""

from dataclasses import dataclass, field


@dataclass
class Entry:
    """A value, when it was put in, and how long it is good; `tags` are what it depends on."""

    value: object
    since: int
    seconds: int | None = None
    tags: frozenset = field(default_factory=frozenset)
    hits: int = 0

    def is_good(self, now):
        return self.seconds is None or now < self.since + self.seconds

    def left(self, now):
        """The seconds it is still good, None for ever."""
        return None if self.seconds is None else max(0, self.since + self.seconds - now)
