import datetime as dt

from lending.days import OpenDays
from lending.desk import Desk
from lending.fines import fine, late_days
from lending.loans import Loan
from lending.members import Member
from lending.notices import reminder
from lending.titles import Copy, Title

FILM = Copy("f1", Title("222", "Film", "film"))
APRIL = {day: dt.date(2024, 4, day) for day in range(1, 31)}  # the 7th, 14th, 21st and 28th are Sundays


def late(due, returned, days=None):
    return late_days(Loan(FILM, Member(1, "Ann"), APRIL[1], APRIL[due]), APRIL[returned], days or OpenDays())


def test_days_before_the_drop_count():
    assert late(12, 14) == 1
    assert late(10, 14) == 3


def test_the_day_after_a_closed_one_counts():
    assert late(13, 15) == 1
    assert late(12, 15) == 2


def test_two_closed_days():
    days = OpenDays({6}, {APRIL[15]})
    assert late(13, 15, days) == 0
    assert late(13, 16, days) == 1
    assert late(12, 15, days) == 1


def test_counting_leaves_the_first_day_out_and_the_last_one_in():
    days = OpenDays()
    assert days.count(APRIL[14], APRIL[15]) == 1
    assert days.count(APRIL[13], APRIL[14]) == 0
    assert days.count(APRIL[14], APRIL[14]) == 0
    assert days.count(APRIL[7], APRIL[21]) == 12


def test_a_reminder_on_a_closed_day():
    desk = Desk([FILM], OpenDays())
    desk.lend("f1", Member(1, "Ann"), APRIL[9])
    assert reminder(desk, "f1", APRIL[14]) == "Film: 2 open days left"


def test_the_fine_of_a_drop():
    assert fine(Loan(FILM, Member(1, "Ann"), APRIL[1], APRIL[10]), APRIL[14], OpenDays()) == 60
