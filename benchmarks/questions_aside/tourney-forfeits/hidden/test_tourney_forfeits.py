import pytest

from tourney.event import read_event
from tourney.standing import standing
from tourney.tiebreaks import buchholz, sonneborn_berger

EVENT = """
1 Ann Eve +-
1 Bob Cid 1-0
2 Eve Cid 1-0
2 Bob Ann =
3 Ann Cid --
3 Eve Bob -+
"""


@pytest.fixture
def event():
    return read_event(EVENT)


def test_points_count_forfeits(event):
    assert {name: event.points(name) for name in event.players()} == {"Ann": 3, "Bob": 5, "Cid": 0, "Eve": 2}


def test_the_one_who_did_not_come(event):
    assert buchholz(event, "Eve") == event.points("Cid") == 0
    assert buchholz(event, "Cid") == event.points("Bob") + event.points("Eve") == 7


def test_other_games_of_who_once_forfeited_count(event):
    assert buchholz(event, "Ann") == 5
    assert buchholz(event, "Bob") == 3
    assert sonneborn_berger(event, "Bob") == 3


def test_black_wins_by_forfeit():
    event = read_event("1 Ann Bob -+\n2 Ann Cid 1-0\n2 Bob Dot 1-0")
    assert (buchholz(event, "Bob"), sonneborn_berger(event, "Bob")) == (0, 0)
    assert (buchholz(event, "Ann"), buchholz(event, "Cid"), buchholz(event, "Dot")) == (0, 2, 4)


def test_a_beaten_player_who_forfeited_another_game():
    event = read_event("1 Ann Bob 1-0\n2 Bob Cid 1-0\n3 Bob Dot -+")
    assert (buchholz(event, "Ann"), sonneborn_berger(event, "Ann")) == (2, 4)
    assert (buchholz(event, "Dot"), sonneborn_berger(event, "Dot")) == (0, 0)


def test_nobody_came():
    rows = standing(read_event("1 Ann Bob --\n2 Ann Cid 1-0"))
    assert [(row.name, row.points, row.buchholz) for row in rows] == [("Ann", 1, 0), ("Cid", 0, 1), ("Bob", 0, 0)]
