"""A queue by priority whose entries may be moved forward."""

import heapq
import itertools


class PriorityQueue:
    def __init__(self):
        self._heap = []
        self._entries = {}
        self._number = itertools.count()

    def __len__(self):
        return len(self._entries)

    def push(self, item, priority):
        """Put an item in, or move it; a worse priority than it has changes nothing."""
        known = self._entries.get(item)
        if known is not None and known[0] <= priority:
            return
        if known is not None:
            known[2] = None
        entry = [priority, next(self._number), item]
        self._entries[item] = entry
        heapq.heappush(self._heap, entry)

    def pop(self):
        """The item with the least priority value, and that value."""
        while self._heap:
            priority, _, item = heapq.heappop(self._heap)
            if item is not None:
                del self._entries[item]
                return item, priority
        raise IndexError("the queue is empty")
