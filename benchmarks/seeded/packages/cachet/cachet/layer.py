"""One layer: so many entries, the longest unused makes room."""

from cachet.entry import Entry
from cachet.recency import Recency

MISSING = object()


class Layer:
    """At most `room` entries; those put in without a time of their own are good for `seconds`."""

    def __init__(self, clock, room, seconds=None):
        self._clock = clock
        self._room = room
        self._seconds = seconds
        self._entries = {}
        self._recency = Recency()
        self.evicted = []

    def __len__(self):
        return len(self._entries)

    def __contains__(self, key):
        return key in self._entries and self._entries[key].is_good(self._clock.now)

    def entry(self, key):
        """The good entry of a key, or None; what is no longer good is dropped."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if not entry.is_good(self._clock.now):
            self.drop(key)
            return None
        return entry

    def get(self, key):
        entry = self.entry(key)
        if entry is None:
            return MISSING
        entry.hits += 1
        self._recency.use(key)
        return entry.value

    def put(self, key, value, seconds=None, tags=()):
        if seconds is None:
            seconds = self._seconds
        if key not in self._entries and len(self._entries) >= self._room:
            self._make_room()
        self._entries[key] = Entry(value, self._clock.now, seconds, frozenset(tags))
        self._recency.use(key)

    def drop(self, key):
        self._entries.pop(key, None)
        self._recency.forget(key)

    def tagged(self, tag):
        """The keys of the entries that depend on a tag."""
        return [key for key, entry in self._entries.items() if tag in entry.tags]

    def keys(self):
        return list(self._recency)

    def _make_room(self):
        """Drop what is no longer good, or else the longest unused."""
        stale = [key for key, entry in self._entries.items() if not entry.is_good(self._clock.now)]
        for key in stale or [self._recency.oldest()]:
            self.evicted.append(key)
            self.drop(key)
