from cachet.clock import Clock
from cachet.layer import MISSING, Layer
from cachet.stack import Stack


def test_the_time_left_goes_up():
    clock = Clock()
    layers = [Layer(clock, 5), Layer(clock, 5), Layer(clock, 5)]
    stack = Stack(layers, lambda key: (key, None, ()))
    layers[2].put("a", 1, 100, {"t"})
    clock.pass_(60)
    assert stack.get("a") == 1
    assert layers[0].entry("a").left(clock.now) == 40
    assert layers[1].entry("a").tags == {"t"}
    clock.pass_(40)
    assert layers[0].get("a") is MISSING
    assert stack.made == 0


def test_what_is_good_for_ever_stays_so():
    clock = Clock()
    layers = [Layer(clock, 5), Layer(clock, 5)]
    layers[1].put("a", 1)
    Stack(layers, None).get("a")
    clock.pass_(10**6)
    assert layers[0].get("a") == 1
