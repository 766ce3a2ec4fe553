import pytest

from parcel.extras import extras, insurance
from parcel.shipment import parse_shipment


@pytest.mark.parametrize(("value", "fee"), [(0, 0), (4999, 0), (5000, 0), (5001, 90), (14999, 90)])
def test_the_first_step(value, fee):
    assert insurance(value) == fee


@pytest.mark.parametrize(("value", "fee"), [(15000, 90), (25000, 180), (105000, 900)])
def test_a_full_step_does_not_start_the_next(value, fee):
    assert insurance(value) == fee


@pytest.mark.parametrize(("value", "fee"), [(15001, 180), (25001, 270), (99999, 900)])
def test_each_started_step_costs(value, fee):
    assert insurance(value) == fee


def test_the_line_of_a_shipment():
    lines = extras(parse_shipment("1010;20x10x10;600;15000"), remote=False)
    assert [(line.kind, line.cents) for line in lines] == [("insurance", 90)]
