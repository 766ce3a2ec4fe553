"""Layers on top of each other and, at the bottom, whoever makes the documents."""

from cachet.layer import MISSING


class Stack:
    """Looks from the top down, and leaves what it finds in every layer above."""

    def __init__(self, layers, source):
        self.layers = layers
        self._source = source
        self.made = 0

    def get(self, key):
        for depth, layer in enumerate(self.layers):
            value = layer.get(key)
            if value is not MISSING:
                self._lift(key, depth)
                return value
        return self._make(key)

    def drop(self, key):
        for layer in self.layers:
            layer.drop(key)

    def invalidate(self, tag):
        """Drop all that depends on a tag, and what depends on that in turn; returns the keys."""
        gone = []
        waiting = [tag]
        while waiting:
            current = waiting.pop()
            for layer in self.layers:
                for key in layer.tagged(current):
                    self.drop(key)
                    if key not in gone:
                        gone.append(key)
                        waiting.append(key)
        return gone

    def _lift(self, key, depth):
        """Put what a layer holds into those above it, good for as long as it is there."""
        below = self.layers[depth]
        entry = below.entry(key)
        left = entry.left(below._clock.now)
        for layer in self.layers[:depth]:
            layer.put(key, entry.value, left, entry.tags)

    def _make(self, key):
        value, seconds, tags = self._source(key)
        self.made += 1
        for layer in self.layers:
            layer.put(key, value, seconds, tags)
        return value
