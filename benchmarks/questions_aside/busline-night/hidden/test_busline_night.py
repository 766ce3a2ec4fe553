import datetime as dt

import pytest

from busline.board import board
from busline.feed import read_feed

FEED = """
stop A Abbey
stop B Bridge
service week mon,tue,wed,thu,fri 2024-01-01 2024-06-28 -2024-05-01
service sun sun 2024-01-07 2024-06-30 +2024-07-04
trip 1 N1 week A@24:40 B@24:50
trip 2 S1 sun A@23:50 B@23:59
trip 3 S2 sun A@24:10 B@24:20
"""


@pytest.fixture
def timetable():
    return read_feed(FEED)


def leaving(timetable, day):
    return [(one.minute, one.trip.number) for one in timetable.departures("A", dt.date.fromisoformat(day))]


def test_friday_night_and_sunday_night(timetable):
    assert leaving(timetable, "2024-04-13") == [(40, "1")]
    assert leaving(timetable, "2024-04-15") == [(10, "3")]


def test_no_service_on_sunday_means_no_bus_on_monday_morning(timetable):
    assert (40, "1") not in leaving(timetable, "2024-04-15")


def test_the_night_before_the_first_day(timetable):
    assert leaving(timetable, "2024-01-01") == []
    assert leaving(timetable, "2024-01-02") == [(40, "1")]


def test_the_night_after_the_last_day(timetable):
    assert leaving(timetable, "2024-06-29") == [(40, "1")]


def test_removed_and_added_days(timetable):
    assert leaving(timetable, "2024-05-01") == [(40, "1")]
    assert leaving(timetable, "2024-05-02") == []
    assert leaving(timetable, "2024-07-05") == [(10, "3")]


def test_before_midnight_the_day_itself_counts(timetable):
    assert leaving(timetable, "2024-04-14") == [(1430, "2")]
    assert board(timetable, "A", dt.datetime(2024, 4, 14, 23, 0)) == ["23:50 S1 Bridge"]
