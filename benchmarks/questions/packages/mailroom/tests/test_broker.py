import pytest

from mailroom.broker import Broker
from mailroom.message import Message
from mailroom.queue import NotHeld, Queue
from mailroom.retries import Retries
from mailroom.topics import fits


@pytest.fixture
def broker():
    broker = Broker()
    broker.add(Queue("orders", retries=Retries(most=1)), "order.#")
    broker.add(Queue("paid"), "*.paid")
    return broker


def fail(message):
    raise RuntimeError("no paper")


def test_patterns():
    assert fits("order.#", "order")
    assert fits("order.#", "order.paid.late")
    assert fits("*.paid", "order.paid")
    assert not fits("*.paid", "order.sent")
    assert not fits("order", "order.paid")


def test_each_fitting_queue_gets_a_message(broker):
    assert broker.publish(Message("order.paid", "7")) == ["orders", "paid"]
    assert broker.publish(Message("bill.paid", "8")) == ["paid"]
    assert broker.publish(Message("bill", "9")) == []


def test_the_highest_priority_comes_first(broker):
    for body, priority in (("a", 0), ("b", 5), ("c", 5)):
        broker.publish(Message("order", body, priority))
    bodies = []
    assert broker.work("orders", lambda message: bodies.append(message.body), 0) == 3
    assert bodies == ["b", "c", "a"]


def test_errors_are_kept(broker):
    broker.publish(Message("order", "a"))
    assert broker.work("orders", fail, 0) == 0
    errors = []
    broker.work("orders", lambda message: errors.append(message.headers["error"]), 6)
    assert errors == ["no paper"]


def test_rests_grow():
    retries = Retries(first=5, factor=3, longest=40)
    assert [retries.rest(number) for number in (1, 2, 3, 4)] == [5, 15, 40, 40]


def test_a_message_rests_after_a_failure():
    queue = Queue("q")
    queue.put(Message("t", "a"))
    message = queue.take(0)
    queue.failed(message.number, 1)
    assert queue.take(5) is None
    assert queue.take(7).failures == 1


def test_a_lease_that_is_over_is_a_failure():
    queue = Queue("q", lease_seconds=30)
    queue.put(Message("t", "a"))
    queue.take(0)
    assert queue.sweep(29) == 0
    assert queue.sweep(31) == 1
    assert len(queue) == 1


def test_dead_letters():
    queue = Queue("q", retries=Retries(most=0))
    queue.put(Message("t", "a"))
    queue.failed(queue.take(0).number, 0)
    assert [message.body for message in queue.dead] == ["a"]
    assert len(queue) == 0


def test_only_what_is_held_ends():
    queue = Queue("q")
    number = queue.put(Message("t", "a"))
    with pytest.raises(NotHeld):
        queue.done(number)
