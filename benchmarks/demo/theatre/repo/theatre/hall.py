"""The hall: its rows of seats, and the price of a seat in each of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A row of seats that all cost the same; prices are in cents."""

    number: int
    seats: int
    price: int


@dataclass(frozen=True)
class Hall:
    """All rows of a hall by their number."""

    rows: dict[int, Row]


def read_hall(plan):
    """Read a plan with a line `first-last seats price step` for each block of rows.

    A seat in the first row of a block costs `price`, and in each row behind it `step` less.
    """
    rows = {}
    for line in plan.strip().splitlines():
        span, seats, price, step = line.split()
        first, last = map(int, span.split("-"))
        for number in range(first, last):
            rows[number] = Row(number, int(seats), int(price) - int(step) * (number - first))
    return Hall(rows)


def cheapest(hall):
    """The row with the lowest price; of several, the one nearest to the stage."""
    return min(hall.rows.values(), key=lambda row: (row.price, row.number))
