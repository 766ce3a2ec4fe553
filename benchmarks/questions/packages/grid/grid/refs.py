"""References to cells."""

import re
from dataclasses import dataclass

PATTERN = re.compile(r"(\$?)([A-Z]+)(\$?)([1-9][0-9]*)")


class BadReference(ValueError):
    """A text that is no reference, or one that leads out of the sheet."""


def column_letters(column: int) -> str:
    """Return the letters of a column: A for 0, Z for 25, AA for 26."""
    letters = ""
    number = column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """Return the number of a column, from 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


@dataclass(frozen=True)
class Ref:
    """A cell by its column and row, from 0, and whether each of them stays when a formula is copied."""

    column: int
    row: int
    fixed_column: bool = False
    fixed_row: bool = False

    @property
    def cell(self) -> str:
        """The name of the cell, without any `$`."""
        return f"{column_letters(self.column)}{self.row + 1}"

    @property
    def text(self) -> str:
        """The reference as it is written in a formula."""
        column = "$" if self.fixed_column else ""
        row = "$" if self.fixed_row else ""
        return f"{column}{column_letters(self.column)}{row}{self.row + 1}"

    def moved(self, columns: int, rows: int) -> "Ref":
        """Return the reference moved by so many columns and rows, but for what is fixed."""
        column = self.column if self.fixed_column else self.column + columns
        row = self.row if self.fixed_row else self.row + rows
        if column < 0 or row < 0:
            raise BadReference(f"{self.text} leads out of the sheet")
        return Ref(column, row, self.fixed_column, self.fixed_row)


def parse_ref(text: str) -> Ref:
    """Read `B12`, `$B12`, `B$12` or `$B$12`."""
    match = PATTERN.fullmatch(text.strip().upper())
    if match is None:
        raise BadReference(f"{text} is no reference")
    column, row = column_number(match[2]), int(match[4]) - 1
    return Ref(column, row, fixed_column=bool(match[1]), fixed_row=bool(match[3]))


def cells_between(first: Ref, last: Ref) -> list[str]:
    """Return the names of the cells of a rectangle between two corners, row by row."""
    columns = range(min(first.column, last.column), max(first.column, last.column) + 1)
    rows = range(min(first.row, last.row), max(first.row, last.row) + 1)
    return [Ref(column, row).cell for row in rows for column in columns]
