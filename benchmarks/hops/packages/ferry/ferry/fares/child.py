"""Child fares: the share of the full fare that a child pays."""

INFANT = 3
CHILD = 16


def share_for_age(age: int) -> float:
    """Nothing for an infant, half for a child, the whole fare for an adult."""
    if age < INFANT:
        return 0.0
    return 0.5 if age < CHILD else 1.0


def is_child(age: int) -> bool:
    """Whether a passenger of this age travels at the child fare."""
    return INFANT <= age < CHILD
