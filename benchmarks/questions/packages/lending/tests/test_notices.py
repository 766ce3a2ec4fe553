import datetime as dt

from lending.days import OpenDays
from lending.desk import Desk
from lending.members import Member
from lending.notices import overdue_letters, reminder
from lending.titles import Copy, Title

FILM = Title("222", "Film", "film")


def test_letters():
    desk = Desk([Copy("f1", FILM)], OpenDays())
    desk.lend("f1", Member(1, "Ann"), dt.date(2024, 4, 8))
    assert overdue_letters(desk, dt.date(2024, 4, 15)) == {}
    assert overdue_letters(desk, dt.date(2024, 4, 17)) == {"Ann": ["Film: 0.40"]}


def test_reminders():
    desk = Desk([Copy("f1", FILM)], OpenDays())
    assert reminder(desk, "f1", dt.date(2024, 4, 8)) == "not out"
    desk.lend("f1", Member(1, "Ann"), dt.date(2024, 4, 8))
    assert reminder(desk, "f1", dt.date(2024, 4, 9)) == "Film: 5 open days left"
