"""Bylines."""


def byline(names: list[str]) -> str:
    """Who wrote an article, as it is printed under the headline."""
    return "By " + (" and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}")
