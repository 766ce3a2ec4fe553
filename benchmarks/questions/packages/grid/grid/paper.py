"""A sheet as text."""

from grid.functions import Value
from grid.refs import Ref, column_letters
from grid.sheet import Sheet


def show(value: Value) -> str:
    """Return a value as it is printed: whole numbers without a point, nothing for an empty cell."""
    if value is None:
        return ""
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def table(sheet: Sheet, columns: int, rows: int) -> list[list[str]]:
    """Return the upper left part of a sheet as printed cells, below a row with the names of the columns."""
    head = [column_letters(column) for column in range(columns)]
    return [head, *([show(sheet.value(Ref(column, row).cell)) for column in range(columns)] for row in range(rows))]


def csv(sheet: Sheet, columns: int, rows: int) -> str:
    """Return the upper left part of a sheet as CSV, without the names of the columns."""
    return "".join(",".join(row) + "\n" for row in table(sheet, columns, rows)[1:])
