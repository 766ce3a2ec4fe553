"""The balance of a loaded vessel: how evenly the weight of vehicles stands on its lanes."""


def list_of(weights: dict[int, float]) -> float:
    """How much heavier, in tonnes, the heaviest lane is than the lightest."""
    return max(weights.values()) - min(weights.values())


def is_balanced(weights: dict[int, float], limit: float = 5.0) -> bool:
    """Whether the weight on the lanes of a vessel is even enough to leave."""
    return list_of(weights) <= limit
