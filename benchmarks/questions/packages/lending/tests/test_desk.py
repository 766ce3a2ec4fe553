import datetime as dt

import pytest

from lending.days import OpenDays
from lending.desk import Desk, Refused
from lending.members import Member
from lending.titles import Copy, Title

NOVEL = Title("111", "Novel")
FILM = Title("222", "Film", "film")
MONDAY = dt.date(2024, 4, 8)


@pytest.fixture
def desk():
    copies = [Copy("n1", NOVEL), Copy("n2", NOVEL), Copy("f1", FILM)]
    return Desk(copies, OpenDays({6}, {dt.date(2024, 5, 6)}))


@pytest.fixture
def ann():
    return Member(1, "Ann")


@pytest.fixture
def bob():
    return Member(2, "Bob", "child")


def test_a_loan_has_its_period(desk, ann):
    assert desk.lend("f1", ann, MONDAY).due == dt.date(2024, 4, 15)


def test_due_days_are_open_days(desk, ann):
    assert desk.lend("n1", ann, MONDAY).due == dt.date(2024, 5, 7)


def test_a_copy_that_is_out_is_refused(desk, ann, bob):
    desk.lend("f1", ann, MONDAY)
    with pytest.raises(Refused, match="out"):
        desk.lend("f1", bob, MONDAY)


def test_children_have_four(ann, bob):
    titles = [Title(str(number), f"Book {number}") for number in range(5)]
    desk = Desk([Copy(title.isbn, title) for title in titles], OpenDays())
    for title in titles[:4]:
        desk.lend(title.isbn, bob, MONDAY)
    with pytest.raises(Refused, match="enough"):
        desk.lend("4", bob, MONDAY)


def test_who_waits_first_comes_first(desk, ann, bob):
    desk.holds.place("222", ann)
    desk.holds.place("222", bob)
    with pytest.raises(Refused, match="wait"):
        desk.lend("f1", bob, MONDAY)
    desk.lend("f1", ann, MONDAY)
    assert desk.holds.waiting("222") == 1


def test_what_others_wait_for_is_not_renewed(desk, ann, bob):
    desk.lend("f1", ann, MONDAY)
    desk.holds.place("222", bob)
    with pytest.raises(Refused, match="renewed"):
        desk.renew("f1", MONDAY)


def test_renewals_count_from_the_day(desk, ann):
    desk.lend("f1", ann, MONDAY)
    assert desk.renew("f1", dt.date(2024, 4, 10)) == dt.date(2024, 4, 17)


def test_in_time_costs_nothing(desk, ann):
    desk.lend("f1", ann, MONDAY)
    assert desk.take_back("f1", dt.date(2024, 4, 15)) == 0
    assert ann.owes == 0


def test_late_days_cost(desk, ann):
    desk.lend("f1", ann, MONDAY)
    assert desk.take_back("f1", dt.date(2024, 4, 18)) == 60
    assert ann.owes == 60


def test_a_closed_day_between_costs_nothing(desk, ann):
    desk.lend("f1", ann, MONDAY)
    assert desk.take_back("f1", dt.date(2024, 4, 22)) == 120


def test_a_fine_has_an_end(desk, ann):
    desk.lend("f1", ann, MONDAY)
    assert desk.take_back("f1", dt.date(2024, 12, 2)) == 500
