import pytest

from parcel.batch import read_batch, total
from parcel.extras import Line
from parcel.quote import Tariff, fuel_surcharge, make_quote
from parcel.rates import Rates
from parcel.shipment import parse_shipment
from parcel.zones import Zones


@pytest.fixture
def tariff():
    return Tariff(Zones({"1": "town"}, frozenset({"19"})), Rates({"town": [(40000, 1000)]}), 10)


def test_only_marked_lines_count():
    lines = [Line("transport", 1000), Line("customs", 500, fuel=False), Line("island", 300)]
    assert fuel_surcharge(lines, 10) == 130
    assert fuel_surcharge(lines[1:2], 10) == 0


def test_pickup_needs_no_fuel(tariff):
    quote = make_quote(parse_shipment("1010;20x10x10;600;0;pickup"), tariff)
    assert (quote.cents("fuel"), quote.cents("pickup"), quote.total) == (100, 300, 1400)


def test_pickup_and_insurance_together(tariff):
    assert make_quote(parse_shipment("1010;20x10x10;600;20000;pickup"), tariff).total == 1000 + 300 + 180 + 100


def test_what_depends_on_the_transport_needs_fuel(tariff):
    assert make_quote(parse_shipment("1910;200x40x20;600;20000"), tariff).cents("fuel") == (1000 + 1200 + 450) // 10


def test_the_insurance_is_still_paid(tariff):
    assert total(read_batch("1010;20x10x10;600;20000", tariff)) == 1280
