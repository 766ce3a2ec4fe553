import pytest

from parcel.batch import by_kind, read_batch, receipt, total
from parcel.quote import Tariff
from parcel.rates import Rates
from parcel.zones import Zones


@pytest.fixture
def tariff():
    zones = Zones({"1": "town", "2": "land", "27": "coast"}, frozenset({"274"}))
    bands = [(1000, 500), (5000, 800), (40000, 2000)]
    return Tariff(zones, Rates({"town": bands, "land": bands, "coast": [(5000, 1000), (40000, 3000)]}), 10)


def test_a_light_parcel(tariff):
    assert total(read_batch("1010;20x10x10;600", tariff)) == 550


def test_comments_and_empty_lines(tariff):
    assert len(read_batch("# today\n\n1010;20x10x10;600\n1020;20x10x10;600\n", tariff)) == 2


def test_a_light_box_pays_for_its_volume(tariff):
    assert by_kind(read_batch("1010;50x20x20;600", tariff))["transport"] == 800


def test_remote_places(tariff):
    assert by_kind(read_batch("27 410;20x10x10;600", tariff)) == {"transport": 1000, "remote": 450, "fuel": 145}


def test_a_long_box_is_bulky(tariff):
    assert by_kind(read_batch("1010;200x40x20;9000", tariff))["bulky"] == 1200


def test_a_value_up_to_50_euros_is_free(tariff):
    assert "insurance" not in by_kind(read_batch("1010;20x10x10;600;5000", tariff))


def test_the_receipt(tariff):
    text = receipt(read_batch("1010;20x10x10;600\n2010;20x10x10;600", tariff))
    assert text.splitlines()[-1] == "total" + " " * 11 + "11.00"
