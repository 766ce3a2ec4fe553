import datetime as dt

import pytest

from almanac.booking import Clash, Room
from almanac.feed import load, parse_booking
from almanac.spans import Span

HORIZON = (dt.date(2024, 1, 1), dt.date(2024, 12, 31))


@pytest.fixture
def hall():
    room = Room("hall", Span(8 * 60, 22 * 60), 40)
    text = """
    # regular guests
    Choir; 18:00-20:00; 2024-01-09; weekly tue; ann bob
    Market; 9:00-12:00; 2024-01-13; once; carl
    """
    return load(room, text, HORIZON)


def test_a_booking_is_there_on_its_day(hall):
    assert [one.title for one in hall.on(dt.date(2024, 1, 9))] == ["Choir"]
    assert hall.on(dt.date(2024, 1, 10)) == []


def test_a_taken_room_is_refused(hall):
    with pytest.raises(Clash):
        hall.book(parse_booking("Yoga; 19:00-21:00; 2024-01-16; once"), HORIZON)


def test_a_free_evening_can_be_booked(hall):
    hall.book(parse_booking("Yoga; 20:00-21:00; 2024-01-16; once"), HORIZON)
    assert [one.title for one in hall.on(dt.date(2024, 1, 16))] == ["Choir", "Yoga"]


def test_free_spans_of_a_day(hall):
    assert hall.free(dt.date(2024, 1, 13)) == [Span(480, 540), Span(720, 1320)]
