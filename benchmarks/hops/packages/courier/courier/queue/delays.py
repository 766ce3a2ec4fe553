"""Delays of parcels, not of messages."""


def delay_notice(hours: int) -> str:
    """What is said of a parcel that will be late by some hours."""
    return "Your parcel is late." if hours < 24 else f"Your parcel is {hours // 24} days late."
