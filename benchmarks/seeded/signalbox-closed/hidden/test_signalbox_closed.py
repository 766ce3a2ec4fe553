from signalbox.network import Network


def test_directions_and_minutes_stay():
    network = Network()
    network.track("a", "b", 3)
    network.track("b", "c", 4, both=False)
    network.track("c", "d", 5)
    rest = network.without({"d"})
    assert rest.stations() == ["a", "b", "c"]
    assert rest.neighbours("a") == {"b": 3}
    assert rest.neighbours("b") == {"a": 3, "c": 4}
    assert rest.neighbours("c") == {}


def test_different_times_each_way_stay():
    network = Network()
    network.track("up", "down", 3, both=False)
    network.track("down", "up", 9, both=False)
    rest = network.without(set())
    assert rest.minutes("up", "down") == 3
    assert rest.minutes("down", "up") == 9
