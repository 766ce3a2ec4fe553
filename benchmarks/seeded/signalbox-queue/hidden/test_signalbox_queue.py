from signalbox.network import Network
from signalbox.queue import PriorityQueue
from signalbox.routes import quickest, reachable


def test_entries_move_forward_only():
    queue = PriorityQueue()
    queue.push("a", 5)
    queue.push("b", 3)
    queue.push("a", 1)
    queue.push("b", 9)
    assert len(queue) == 2
    assert queue.pop() == ("a", 1)
    assert queue.pop() == ("b", 3)
    assert len(queue) == 0


def test_times_are_those_of_the_detour():
    network = Network()
    network.track("s", "x", 9)
    network.track("s", "y", 1)
    network.track("y", "x", 1)
    network.track("x", "z", 1)
    assert quickest(network, "s", "z").times == [0, 1, 2, 3]
    assert reachable(network, "s", 3) == ["s", "y", "x", "z"]
