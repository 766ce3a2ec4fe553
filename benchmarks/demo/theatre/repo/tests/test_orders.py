import pytest

from theatre.hall import read_hall
from theatre.orders import Order, receipt, total

PLAN = """
1-8 20 4800 150
9-14 24 3150 100
15-20 24 1900 50
"""


@pytest.fixture
def hall():
    return read_hall(PLAN)


def test_a_seat_in_front(hall):
    assert total(Order("Ada", {1: 1}, 0), hall) == 4800


def test_seats_in_two_rows_at_a_discount(hall):
    assert total(Order("Ada", {2: 2, 10: 3}, 0.2), hall) == 14760


def test_a_receipt_tells_seats_and_sum(hall):
    assert receipt(Order("Ada", {1: 1}, 0), hall) == "Ada: 1 seat, 48.00"
    assert receipt(Order("Ada", {3: 2, 15: 1}, 0.1), hall) == "Ada: 3 seats, 98.10"


def test_the_last_row_of_a_block(hall):
    assert total(Order("Ada", {8: 2}, 0), hall) == 7500


def test_the_last_row_of_the_hall_for_a_group(hall):
    assert total(Order("Ada", {19: 4, 20: 6}, 0.1), hall) == 15030


def test_the_last_row_at_half_the_price(hall):
    assert total(Order("Ada", {14: 3}, 0.5), hall) == 3975
