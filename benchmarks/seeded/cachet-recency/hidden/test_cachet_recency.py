from cachet.clock import Clock
from cachet.layer import Layer
from cachet.recency import Recency


def test_use_moves_to_the_end():
    order = Recency()
    for key in "abcab":
        order.use(key)
    assert list(order) == ["c", "a", "b"]
    order.forget("c")
    assert order.oldest() == "a"


def test_putting_again_is_use():
    layer = Layer(Clock(), 2)
    layer.put("a", 1)
    layer.put("b", 2)
    layer.put("a", 3)
    layer.put("c", 4)
    assert layer.evicted == ["b"]
    assert layer.get("a") == 3
