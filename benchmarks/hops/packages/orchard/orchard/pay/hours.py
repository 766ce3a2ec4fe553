"""Hours."""

from orchard.pay.rates import PER_HOUR


def pay_for_hours(minutes: int) -> int:
    """What is paid for work by the hour, in pence."""
    return minutes * PER_HOUR // 60
