"""Columns of type."""

from gazette.layout.measure import measured


class Column:
    """A column of so many letters."""

    def __init__(self, width: int) -> None:
        self.width = width

    def lines(self, text: str) -> list[str]:
        """A text set in the column, line by line."""
        return measured(text, self.width)

    def depth(self, text: str) -> int:
        """How many lines a text fills."""
        return len(self.lines(text))
