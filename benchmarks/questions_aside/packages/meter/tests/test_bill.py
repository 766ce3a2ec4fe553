import datetime as dt

import pytest

from meter.bill import make_bill, text
from meter.feed import read_feed
from meter.localtime import to_local
from meter.money import show
from meter.rates import Prices, rate_at
from meter.readings import Meter, Reading

PRICES = Prices(day=300, night=200)

FEED = """
meter M1
M1 2024-01-10T05:00 100
M1 2024-01-10T21:00 110
M1 2024-01-11T05:00 115
"""


def bill_of(feed, **options):
    return make_bill(read_feed(feed).values(), PRICES, **options)


def test_day_and_night():
    assert bill_of(FEED).kwh == {"day": 10, "night": 5}


def test_sums():
    bill = bill_of(FEED)
    assert (bill.net, bill.tax, bill.total) == (400, 76, 476)


def test_what_was_paid():
    assert bill_of(FEED, paid=300).net == 100


def test_the_tax_is_rounded():
    assert make_bill([], PRICES, paid=-103).tax == 20


def test_the_text():
    assert text(bill_of(FEED)).splitlines() == ["day: 10 kWh", "night: 5 kWh", "net: 4.00", "tax: 0.76", "total: 4.76"]


def test_several_meters():
    assert bill_of(FEED + FEED.replace("M1", "M2")).kwh == {"day": 20, "night": 10}


def test_a_register_begins_anew():
    meter = Meter("M1")
    meter.add(Reading(dt.datetime(2024, 1, 10, 8), 99990))
    meter.add(Reading(dt.datetime(2024, 1, 11, 8), 15))
    assert make_bill([meter], PRICES).kwh == {"day": 25, "night": 0}


def test_readings_are_in_order():
    meter = Meter("M1", 3)
    meter.add(Reading(dt.datetime(2024, 1, 10), 5))
    with pytest.raises(ValueError, match="after"):
        meter.add(Reading(dt.datetime(2024, 1, 10), 6))
    with pytest.raises(ValueError, match="fit"):
        meter.add(Reading(dt.datetime(2024, 1, 11), 1000))


def test_local_time():
    assert to_local(dt.datetime(2024, 1, 10, 12)).hour == 13
    assert to_local(dt.datetime(2024, 7, 10, 12)).hour == 14


def test_rates():
    assert [rate_at(dt.datetime(2024, 7, 1, hour)) for hour in (3, 4, 19, 20)] == ["night", "day", "day", "night"]


def test_money():
    assert [show(cents) for cents in (0, -5, 1234)] == ["0.00", "-0.05", "12.34"]
