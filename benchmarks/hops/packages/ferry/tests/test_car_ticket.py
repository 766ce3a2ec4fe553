from datetime import date

from ferry.desk import Desk
from ferry.sailings.timetable import Timetable


def test_a_car_ticket_prints_each_part_once():
    ticket = Desk("Dover", Timetable([])).sell_car("inner", "AB12", date(2024, 1, 1))
    assert ticket.label() == "AB12 INNER DOV-0001 2024-01-01"
