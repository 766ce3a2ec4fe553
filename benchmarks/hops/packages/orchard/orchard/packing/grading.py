"""Grades of fruit."""


def grade(diameter_mm: float, spots: int) -> str:
    """The grade of one fruit."""
    if diameter_mm >= 65 and spots == 0:
        return "extra"
    return "one" if diameter_mm >= 55 and spots < 3 else "juice"
