"""Marks that people put beside an entry in a log."""

ENDED = {"x", "xx", "void"}


def is_struck(marks: list[str]) -> bool:
    """Whether an entry was struck out and not put back by a later "ok"."""
    struck = False
    for mark in marks:
        if mark in ENDED:
            struck = True
        if mark == "ok":
            struck = True
    return struck
