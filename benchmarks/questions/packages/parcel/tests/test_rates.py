import pytest

from parcel.rates import Rates, TooHeavy
from parcel.sizes import Box, parse_box, volumetric_grams
from parcel.zones import UnknownPostcode, Zones


def test_a_band_ends_with_its_limit():
    rates = Rates({"town": [(1000, 500), (5000, 800)]})
    assert [rates.price("town", grams) for grams in (1, 1000, 1001, 5000)] == [500, 500, 800, 800]


def test_too_heavy():
    with pytest.raises(TooHeavy):
        Rates({"town": [(1000, 500)]}).price("town", 1001)


def test_the_longest_prefix_counts():
    zones = Zones({"2": "land", "27": "coast"})
    assert [zones.zone(code) for code in ("2000", "2710")] == ["land", "coast"]


def test_unknown_postcodes():
    with pytest.raises(UnknownPostcode):
        Zones({"2": "land"}).zone("9000")


def test_boxes():
    assert parse_box("30x20X10") == Box(30, 20, 10)
    assert volumetric_grams(Box(3, 1, 1)) == 1
