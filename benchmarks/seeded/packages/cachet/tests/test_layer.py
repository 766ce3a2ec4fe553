import pytest

from cachet.clock import Clock
from cachet.layer import MISSING, Layer


@pytest.fixture
def clock():
    return Clock()


def test_what_is_put_is_there(clock):
    layer = Layer(clock, 2)
    layer.put("a", 1)
    assert layer.get("a") == 1
    assert layer.get("b") is MISSING


def test_the_oldest_makes_room(clock):
    layer = Layer(clock, 2)
    layer.put("a", 1)
    layer.put("b", 2)
    layer.put("c", 3)
    assert layer.evicted == ["a"]
    assert layer.keys() == ["b", "c"]


def test_time_passes(clock):
    layer = Layer(clock, 2, seconds=10)
    layer.put("a", 1)
    clock.pass_(9)
    assert "a" in layer
    clock.pass_(1)
    assert "a" not in layer
    assert layer.get("a") is MISSING
    assert len(layer) == 0
