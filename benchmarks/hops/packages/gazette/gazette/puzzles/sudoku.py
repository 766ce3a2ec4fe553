"""Sudokus."""


def is_valid(grid: list[list[int]]) -> bool:
    """Whether no row and no column of a sudoku repeats a digit."""
    lines = [*grid, *map(list, zip(*grid, strict=True))]
    return all(len({digit for digit in line if digit}) == sum(digit > 0 for digit in line) for line in lines)
