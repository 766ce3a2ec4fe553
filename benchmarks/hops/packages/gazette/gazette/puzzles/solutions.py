"""Solutions of crosswords, as they are printed upside down."""


def printed_solution(rows: list[str]) -> list[str]:
    """The solution of a crossword, turned by half a turn."""
    return [row[::-1] for row in reversed(rows)]


def is_solved(rows: list[str], solution: list[str]) -> bool:
    """Whether a reader's crossword is the solution."""
    return [row.upper() for row in rows] == [row.upper() for row in solution]
