import pytest

from mailroom.broker import Broker
from mailroom.message import Message
from mailroom.queue import Queue


@pytest.fixture
def queues():
    return [Queue("one"), Queue("two"), Queue("three")]


@pytest.fixture
def broker(queues):
    broker = Broker()
    for queue in queues:
        broker.add(queue, "#")
    return broker


def fail(message):
    raise RuntimeError("broken")


def test_headers_are_not_shared(broker):
    broker.publish(Message("t", "a", headers={"lang": "en"}))
    broker.work("one", fail, 0)
    headers = []
    broker.work("two", lambda message: headers.append(dict(message.headers)), 0)
    assert headers == [{"lang": "en"}]


def test_headers_that_a_consumer_adds(broker):
    broker.publish(Message("t", "a", headers={"lang": "en"}))
    seen = []

    def note(message):
        seen.append(len(message.headers))
        message.headers["by"] = "me"

    for name in ("one", "two", "three"):
        broker.work(name, note, 0)
    assert seen == [1, 1, 1]


def test_a_failed_message_keeps_its_own_headers_and_failures(broker, queues):
    broker.publish(Message("t", "a"))
    broker.work("one", fail, 0)
    broker.work("two", fail, 0)
    for queue in queues[:2]:
        message = queue.take(100)
        assert (message.failures, message.headers) == (1, {"error": "broken"})


def test_rests_are_not_shared(broker, queues):
    broker.publish(Message("t", "a"))
    broker.work("one", fail, 0)
    assert queues[0].take(1) is None
    assert queues[1].take(1).body == "a"


def test_numbers_are_those_of_the_queue(broker, queues):
    queues[1].put(Message("t", "first"))
    broker.publish(Message("t", "a"))
    assert queues[0].take(0).number == 1
    assert [queues[1].take(0).number, queues[1].take(0).number] == [1, 2]


def test_the_publisher_keeps_its_message(broker):
    message = Message("t", "a", headers={"lang": "en"})
    broker.publish(message)
    message.headers["lang"] = "de"
    headers = []
    broker.work("one", lambda one: headers.append(one.headers["lang"]), 0)
    assert headers == ["en"]
