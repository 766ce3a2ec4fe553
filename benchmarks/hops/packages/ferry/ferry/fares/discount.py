"""Discounts on a fare: groups, returns and regular passengers."""

from ferry.fares.child import is_child

GROUP = 10


def group_discount(ages: list[int]) -> float:
    """The share that a group saves; children do not count towards its size."""
    adults = sum(not is_child(age) for age in ages)
    return 0.1 if adults >= GROUP else 0.0


def return_discount(pence: int) -> int:
    """The price of a return in pence: the second leg costs half."""
    return pence + pence // 2
