from datetime import date

from ferry.desk import Desk
from ferry.sailings.timetable import Timetable

DESK = Desk("Dover", Timetable([]))


def test_a_child_pays_the_nearest_five_pence_in_summer():
    assert DESK.quote("outer", 10, date(2024, 7, 1)) == 475


def test_an_adult_pays_the_table_in_winter():
    assert DESK.quote("inner", 30, date(2024, 1, 10)) == 450
