import datetime as dt

from almanac.agenda import door_sign, rows
from almanac.booking import Room
from almanac.feed import load
from almanac.house import House
from almanac.spans import Span

HORIZON = (dt.date(2024, 1, 1), dt.date(2024, 12, 31))


def house():
    hall = load(Room("hall", Span(480, 1320), 40), "Choir; 18:00-20:00; 2024-01-09; weekly tue; ann bob", HORIZON)
    den = load(Room("den", Span(600, 1200), 6), "Chess; 15:00-17:00; 2024-01-31; monthly; ann", HORIZON)
    return House([hall, den])


def test_rows_of_a_day():
    assert rows(house().rooms["hall"], dt.date(2024, 1, 16)) == [("18:00", "Choir")]


def test_the_sign_says_what_is_free():
    sign = door_sign(house().rooms["den"], dt.date(2024, 1, 31))
    assert sign.splitlines()[1:] == ["15:00 to 17:00  Chess (1)", "free: 10:00, 17:00"]


def test_the_smallest_room_comes_first():
    found = house().candidates(4, 120, dt.date(2024, 1, 9))
    assert [room.name for room, _ in found] == ["den", "hall"]
