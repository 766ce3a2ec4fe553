import datetime as dt

import pytest

from meter.bill import make_bill
from meter.feed import read_feed
from meter.rates import Prices
from meter.readings import Meter, Reading, usages


def used(digits, *registers):
    readings = [f"M {day:%Y-%m-%dT%H:%M} {register}" for day, register in zip(DAYS, registers)]
    return [usage.kwh for usage in usages(read_feed("\n".join([f"meter M {digits}", *readings]))["M"])]


DAYS = [dt.datetime(2024, 1, day, 8) for day in range(1, 10)]


@pytest.mark.parametrize(("digits", "last"), [("3", 990), ("4", 9990), ("", 99990), ("6", 999990)])
def test_registers_of_all_sizes(digits, last):
    assert used(digits, last, 5, 7) == [15, 2]


def test_much_is_used_between_two_readings():
    assert used("4", 950, 100) == [9150]
    assert used("6", 95000, 3000) == [908000]
    assert used("", 700, 600) == [99900]


def test_nothing_is_used():
    assert used("4", 9999, 9999) == [0]


def test_a_register_beyond_its_digits_is_refused():
    with pytest.raises(ValueError, match="fit"):
        used("4", 10000)
    assert used("6", 123456, 123457) == [1]


def test_meters_that_no_feed_names():
    meter = Meter("M", 3, [Reading(DAYS[0], 999), Reading(DAYS[1], 1)])
    assert [usage.kwh for usage in usages(meter)] == [2]


def test_meters_of_different_sizes_on_one_bill():
    feed = "meter A 3\nmeter B\n"
    feed += "A 2024-01-01T08:00 998\nA 2024-01-02T08:00 1\nB 2024-01-01T08:00 99998\nB 2024-01-02T08:00 1"
    assert make_bill(read_feed(feed).values(), Prices(300, 200)).kwh == {"day": 6, "night": 0}
