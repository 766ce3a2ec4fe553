from datetime import date

from ferry.desk import Desk
from ferry.sailings.timetable import Timetable

DESK = Desk("Dover", Timetable([]))


def test_nothing_is_refunded_on_the_thirty_first_day():
    ticket, _ = DESK.sell("inner", 30, date(2024, 1, 1))
    assert DESK.refund(ticket, 450, date(2024, 1, 30)) == 350
    assert DESK.refund(ticket, 450, date(2024, 1, 31)) == 0
