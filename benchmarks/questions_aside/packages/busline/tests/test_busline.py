import datetime as dt

import pytest

from busline.board import board, last_bus
from busline.feed import read_feed
from busline.journeys import plan
from busline.times import parse_time, show_time

FEED = """
stop A Abbey
stop B Bridge
stop C Church_Hill

service week mon,tue,wed,thu,fri 2024-01-01 2024-06-28 -2024-05-01
service daily mon,tue,wed,thu,fri,sat,sun 2024-01-01 2024-06-28

trip 1 10 week A@7:00 B@7:10/7:12 C@7:20
trip 2 10 daily A@9:00 B@9:10/9:12 C@9:20
trip 3 20 daily B@7:30 C@7:36
trip 4 10 daily A@23:30 B@23:50/24:05 C@24:15
trip 5 30 daily C@10:00 A@10:30
"""
TUESDAY = dt.date(2024, 4, 9)
SATURDAY = dt.date(2024, 4, 13)


@pytest.fixture
def timetable():
    return read_feed(FEED)


def test_times():
    assert parse_time("24:40") == 1480
    assert show_time(1480) == "00:40"
    with pytest.raises(ValueError, match="no time"):
        parse_time("7:60")


def test_a_board_begins_now(timetable):
    assert board(timetable, "A", dt.datetime(2024, 4, 9, 7, 1)) == ["09:00 10 Church Hill", "23:30 10 Church Hill"]


def test_a_board_has_so_many_rows(timetable):
    assert board(timetable, "A", dt.datetime(2024, 4, 9, 6, 0), 1) == ["07:00 10 Church Hill"]


def test_the_night_bus_is_on_the_board(timetable):
    assert board(timetable, "B", dt.datetime(2024, 4, 10, 0, 0), 1) == ["00:05 10 Church Hill"]


def test_weekends(timetable):
    assert board(timetable, "A", dt.datetime(2024, 4, 13, 6, 0), 1) == ["09:00 10 Church Hill"]


def test_removed_days(timetable):
    assert plan(timetable, "A", "B", dt.date(2024, 5, 1), 400) == ["10: A 09:00 - B 09:10"]


def test_the_last_bus(timetable):
    assert last_bus(timetable, "B", TUESDAY) == "00:05"
    assert last_bus(timetable, "C", TUESDAY) == "10:00"


def test_a_way_without_a_change(timetable):
    assert plan(timetable, "A", "C", TUESDAY, parse_time("6:50")) == ["10: A 07:00 - C 07:20"]


def test_a_way_with_a_change(timetable):
    assert plan(timetable, "B", "A", SATURDAY, parse_time("7:30")) == ["20: B 07:30 - C 07:36", "30: C 10:00 - A 10:30"]


def test_no_way(timetable):
    assert plan(timetable, "C", "A", TUESDAY, parse_time("11:00")) == []


def test_names(timetable):
    assert [stop.code for stop in timetable.stops.named("church hill ")] == ["C"]
    with pytest.raises(ValueError, match="neither"):
        read_feed("tram 1")
