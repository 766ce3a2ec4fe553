"""Pay slips."""

from orchard.common.counts import levels
from orchard.pay.rates import BONUS, PER_CRATE


def pay_slip(name: str, crates: int) -> str:
    """What a picker earns in a week: so much a crate, and a bonus for every full fifty crates."""
    pence = crates * PER_CRATE + levels(crates, 50) * BONUS
    return f"{name}: {pence / 100:.2f}"
