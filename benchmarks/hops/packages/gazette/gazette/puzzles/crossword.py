"""Crosswords."""


def clue_numbers(rows: list[str]) -> list[tuple[int, int]]:
    """The cells of a crossword that get a number: where a word starts, across or down; "#" is black."""

    def white(row: int, column: int) -> bool:
        return 0 <= row < len(rows) and 0 <= column < len(rows[row]) and rows[row][column] != "#"

    return [
        (row, column)
        for row in range(len(rows))
        for column in range(len(rows[row]))
        if white(row, column)
        and (
            (not white(row, column - 1) and white(row, column + 1))
            or (not white(row - 1, column) and white(row + 1, column))
        )
    ]
