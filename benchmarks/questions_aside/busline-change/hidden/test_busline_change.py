import datetime as dt

import pytest

from busline.feed import read_feed
from busline.journeys import plan
from busline.times import parse_time

DAY = dt.date(2024, 4, 9)


def way(bridge, *trips, start="6:50", origin="A", target="C"):
    lines = [f"trip {number} L{number} daily {calls}" for number, calls in enumerate(trips)]
    feed = [
        "stop A Abbey 9",
        f"stop B Bridge {bridge}",
        "stop C Church",
        "service daily mon,tue,wed,thu,fri,sat,sun 2024-01-01 2024-12-31",
        *lines,
    ]
    return plan(read_feed("\n".join(feed)), origin, target, DAY, parse_time(start))


@pytest.mark.parametrize(
    ("change", "leaves"), [("0", "07:10"), ("1", "07:11"), ("", "07:12"), ("4", "07:14"), ("7", "07:17")]
)
def test_the_change_time_is_that_of_the_stop(change, leaves):
    minutes = (10, 11, 12, 14, 17, 20)
    trips = [f"B@7:{minute} C@7:{minute + 20}" for minute in minutes]
    assert way(change, "A@7:00 B@7:10", *trips)[1].split(" - ")[0].endswith(f"B {leaves}")


def test_staying_on_the_bus_takes_no_change():
    assert way("30", "A@7:00 B@7:10/7:12 C@7:20") == ["L0: A 07:00 - C 07:20"]


def test_the_first_bus_takes_no_change():
    assert way("5", "A@7:00 C@7:30", start="7:00") == ["L0: A 07:00 - C 07:30"]


def test_a_way_that_begins_at_the_stop():
    assert way("5", "B@7:00 C@7:30", start="6:58", origin="B") == ["L0: B 07:00 - C 07:30"]


def test_no_way_in_time():
    assert way("5", "A@7:00 B@7:10", "B@7:14 C@7:20") == []


def test_the_feed_is_read_as_it_is():
    stops = read_feed("stop A Old_Abbey 9\nstop B Bridge\nstop C Church 0").stops
    assert [stops.get(code).change for code in "ABC"] == [9, 2, 0]
    assert stops.get("A").name == "Old Abbey"
