"""A sheet of cells."""

from grid.formula import Formula
from grid.functions import Value
from grid.links import Links
from grid.refs import parse_ref


class Circular(ValueError):
    """A formula that depends on its own cell."""


class Sheet:
    """Cells by name; values are worked out once and again when what they depend on changes."""

    def __init__(self) -> None:
        self._cells: dict[str, Formula | Value] = {}
        self._values: dict[str, Value] = {}
        self.links = Links()
        self.worked_out = 0

    def set(self, name: str, text: str) -> None:
        """Put a number, a text or a formula into a cell; an empty text clears it. Circular changes nothing."""
        cell = parse_ref(name).cell
        content = _read(text)
        uses = content.uses if isinstance(content, Formula) else set()
        affected = self.links.affected(cell)
        if cell in uses or uses & affected:
            raise Circular(f"{cell} would depend on itself")
        self.links.replace(cell, uses)
        self._cells[cell] = content
        for one in {cell, *affected}:
            self._values.pop(one, None)

    def value(self, name: str) -> Value:
        """Return what a cell comes to, None where it is empty."""
        cell = parse_ref(name).cell
        if cell not in self._values:
            content = self._cells.get(cell)
            if isinstance(content, Formula):
                self.worked_out += 1
                content = content.value(self.value)
            self._values[cell] = content
        return self._values[cell]

    def text(self, name: str) -> str:
        """Return what was put into a cell."""
        content = self._cells.get(parse_ref(name).cell)
        if content is None:
            return ""
        return content.text if isinstance(content, Formula) else str(content)

    def copy(self, source: str, target: str) -> None:
        """Copy a cell to another; the references of a formula move with it."""
        content = self._cells.get(parse_ref(source).cell)
        if not isinstance(content, Formula):
            self.set(target, self.text(source))
            return
        here, there = parse_ref(source), parse_ref(target)
        self.set(target, content.moved(there.column - here.column, there.row - here.row))


def _read(text: str) -> Formula | Value:
    if text.startswith("="):
        return Formula(text)
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        return text
