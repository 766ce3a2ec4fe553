"""Frost: what a cold night costs of the harvest."""


def frost_loss(degrees: float, in_bloom: bool) -> float:
    """The share of a harvest that a night with frost takes."""
    if degrees >= -1.0 or not in_bloom:
        return 0.0
    return min(1.0, 0.2 * -degrees)
