"""Carriers."""


def carriers_for(papers: int, bag: int = 60) -> int:
    """How many carriers a district needs."""
    return -(-papers // bag)
