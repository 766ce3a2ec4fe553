from theatre.hall import read_hall
from theatre.orders import Order, receipt, total


def test_a_hall_has_every_row_of_its_plan_and_no_other():
    assert sorted(read_hall("1-4 20 4800 100\n7-9 10 2000 0\n").rows) == [1, 2, 3, 4, 7, 8, 9]


def test_a_block_may_have_one_row():
    hall = read_hall("1-1 8 9000 500\n2-3 20 4000 100\n")
    assert [hall.rows[number].price for number in (1, 2, 3)] == [9000, 4000, 3900]


def test_seats_in_the_last_row_are_sold():
    hall = read_hall("1-4 20 4800 100\n")
    assert total(Order("Bo", {3: 1, 4: 2}, 0.5), hall) == 6800
    assert receipt(Order("Bo", {4: 1}, 0), hall) == "Bo: 1 seat, 45.00"
