import pytest

from tourney.event import read_event
from tourney.pairing import pair
from tourney.standing import show, standing

EVENT = """
1 Ann Bob 1-0
1 Cid Dot =
2 Ann Cid 1-0
2 Dot Bob =
"""


@pytest.fixture
def event():
    return read_event(EVENT)


def test_points(event):
    assert [(row.name, row.points) for row in standing(event)] == [("Ann", 2), ("Dot", 1), ("Bob", 0.5), ("Cid", 0.5)]


def test_tie_breaks(event):
    assert [(row.buchholz, row.sonneborn_berger) for row in standing(event)] == [(1, 1), (1, 0.5), (3, 0.5), (3, 0.5)]


def test_equals_share_a_rank(event):
    assert [row.rank for row in standing(event)] == [1, 2, 3, 3]


def test_byes_are_points():
    event = read_event("1 Ann bye\n1 Bob Cid 1-0")
    assert [(row.name, row.points, row.buchholz) for row in standing(event)] == [
        ("Ann", 1, 0),
        ("Bob", 1, 0),
        ("Cid", 0, 1),
    ]


def test_forfeits_are_points():
    assert [(row.name, row.points) for row in standing(read_event("1 Ann Bob +-"))] == [("Ann", 1), ("Bob", 0)]


def test_pairs_have_not_met(event):
    assert pair(event) == [("Dot", "Ann"), ("Bob", "Cid")]


def test_the_table_as_text(event):
    assert show(event).splitlines()[0] == " 1 Ann         2.0   1.0   1.00"


def test_unknown_results():
    with pytest.raises(ValueError, match="result"):
        read_event("1 Ann Bob 2-0")
