from itertools import permutations

import pytest

from parcel.extras import extras
from parcel.shipment import parse_shipment
from parcel.sizes import Box


@pytest.mark.parametrize("sides", permutations((200, 40, 10)))
def test_the_girth_is_the_same_for_all_orders(sides):
    assert Box(*sides).girth == 300


def test_boxes_with_equal_sides():
    assert Box(50, 50, 50).girth == 250
    assert Box(10, 60, 60).girth == Box(60, 10, 60).girth == 200


@pytest.mark.parametrize("box", ["200x40x10", "10x200x40", "40x10x200"])
def test_the_limit_itself_is_not_bulky(box):
    assert extras(parse_shipment(f"1010;{box};900"), remote=False) == []


@pytest.mark.parametrize("box", ["201x40x10", "10x201x40", "40x10x201"])
def test_beyond_the_limit_is_bulky(box):
    assert [line.kind for line in extras(parse_shipment(f"1010;{box};900"), remote=False)] == ["bulky"]
