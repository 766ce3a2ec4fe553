from datetime import date

from orchard.fields.picking import picking_list
from orchard.fields.row import Row


def test_nobody_is_sent_to_a_row_that_was_sprayed_thirteen_days_ago():
    rows = [Row(1, "apple", 40, date(2024, 2, 25)), Row(2, "apple", 40)]
    assert picking_list(rows, "apple", date(2024, 3, 9)) == [2]


def test_a_row_can_be_picked_after_two_weeks():
    assert picking_list([Row(1, "apple", 40, date(2024, 5, 1))], "apple", date(2024, 5, 15)) == [1]
