"""Which price applies to how many pieces."""


def tier_for(quantity, tiers):
    """The last tier whose minimum `quantity` reaches; `tiers` ascend by minimum."""
    chosen = None
    for tier in tiers:
        if quantity >= tier.minimum:
            chosen = tier
    return chosen


def pieces_to_next_tier(quantity, tiers):
    """How many more pieces the next tier takes, 0 when there is none."""
    for tier in tiers:
        if tier.minimum > quantity:
            return tier.minimum - quantity
    return 0


def with_tax(amount, rate):
    """`amount` and its tax, in whole cents."""
    return round(amount * (1 + rate), 2)
