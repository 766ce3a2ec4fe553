"""Notices about cancelled sailings."""

from ferry.common.text import listed
from ferry.sailings.sailing import Sailing


def cancellation_notice(sailings: list[Sailing]) -> str:
    """What is announced in the hall when sailings are cancelled."""
    cancelled = [f"{sailing.leaves:%H:%M} to {sailing.to}" for sailing in sailings]
    return f"The sailings {listed(cancelled)} are cancelled." if cancelled else ""


def reinstated_notice(sailing: Sailing) -> str:
    """What is announced when a cancelled sailing goes after all."""
    return f"The {sailing.leaves:%H:%M} to {sailing.to} is reinstated."
