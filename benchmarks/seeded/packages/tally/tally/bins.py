"""Numbers put into classes."""


class Bins:
    """Classes between ascending edges; each begins at its lower edge and ends before the upper one."""

    def __init__(self, edges):
        if list(edges) != sorted(set(edges)):
            raise ValueError("the edges have to ascend")
        self.edges = list(edges)

    def place(self, value):
        """The number of the class of a value: 0 is below the first edge."""
        place = 0
        for edge in self.edges:
            if value < edge:
                break
            place += 1
        return place

    def label(self, value):
        """The class of a value in words, None for nothing."""
        if value is None:
            return None
        place = self.place(value)
        if place == 0:
            return f"under {self.edges[0]}"
        if place == len(self.edges):
            return f"{self.edges[-1]} and over"
        return f"{self.edges[place - 1]} to {self.edges[place] - 1}"

    def labels(self):
        """All classes in words, ascending."""
        return [self.label(value) for value in (self.edges[0] - 1, *self.edges)]
