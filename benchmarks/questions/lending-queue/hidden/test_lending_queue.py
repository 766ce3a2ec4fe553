import datetime as dt

import pytest

from lending.days import OpenDays
from lending.desk import Desk, Refused
from lending.holds import Holds
from lending.members import Member
from lending.titles import Copy, Title

NOVEL = Title("111", "Novel")
DAY = dt.date(2024, 4, 8)
MEMBERS = [Member(number, f"M{number}") for number in range(1, 6)]


@pytest.fixture
def desk():
    return Desk([Copy("n1", NOVEL), Copy("n2", NOVEL)], OpenDays())


def test_a_copy_that_is_left_goes_to_anybody(desk):
    desk.holds.place("111", MEMBERS[0])
    desk.lend("n1", MEMBERS[1], DAY)
    with pytest.raises(Refused, match="wait"):
        desk.lend("n2", MEMBERS[2], DAY)
    desk.lend("n2", MEMBERS[0], DAY)


def test_as_many_wait_as_there_are_copies(desk):
    desk.holds.place("111", MEMBERS[0])
    desk.holds.place("111", MEMBERS[1])
    with pytest.raises(Refused, match="wait"):
        desk.lend("n1", MEMBERS[2], DAY)
    desk.lend("n1", MEMBERS[1], DAY)
    desk.lend("n2", MEMBERS[0], DAY)


def test_how_many_come_before():
    holds = Holds()
    assert holds.ahead("111", MEMBERS[0]) == 0
    for member in MEMBERS[:3]:
        holds.place("111", member)
    assert [holds.ahead("111", member) for member in MEMBERS] == [0, 1, 2, 3, 3]


def test_other_titles_do_not_matter(desk):
    desk.holds.place("222", MEMBERS[0])
    assert desk.lend("n1", MEMBERS[1], DAY).copy.code == "n1"


def test_who_has_taken_a_copy_does_not_wait_any_more(desk):
    desk.holds.place("111", MEMBERS[0])
    desk.lend("n1", MEMBERS[0], DAY)
    assert desk.lend("n2", MEMBERS[1], DAY).member is MEMBERS[1]
