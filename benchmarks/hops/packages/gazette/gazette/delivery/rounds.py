"""Delivery rounds."""

from gazette.common.sums import open_sum
from gazette.delivery.reader import Reader

LIMIT = 3000


def delivery_round(readers: list[Reader], street: str) -> list[str]:
    """Who gets a paper in a street: subscribers who are not in arrears by more than the limit, in pence."""
    return [one.name for one in readers if one.street == street and open_sum(one.booked) <= LIMIT]
