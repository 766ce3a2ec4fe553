from mailroom.leases import Leases
from mailroom.message import Message
from mailroom.queue import Queue
from mailroom.retries import Retries
from mailroom.waiting import Waiting


def test_a_lease_ends_at_its_deadline_and_not_before():
    leases = Leases(30)
    leases.start(Message("t", "a", number=1), 100)
    assert leases.expired(129.5) == []
    assert [message.number for message in leases.expired(130)] == [1]


def test_a_rest_ends_at_its_moment_and_not_before():
    waiting = Waiting()
    waiting.add(Message("t", "a", not_before=12.5))
    assert waiting.next_time() == 12.5
    assert waiting.take(12.25) is None
    assert waiting.take(12.5).body == "a"


def test_the_deadline_is_the_time_of_the_lease_after_it_was_taken():
    assert Leases(30).start(Message("t", "a"), 7).deadline == 37


def test_a_failure_is_counted_once():
    queue = Queue("q", lease_seconds=30, retries=Retries(first=5))
    queue.put(Message("t", "a"))
    queue.take(0)
    assert queue.sweep(30) == 1
    assert queue.sweep(30) == 0
    message = queue.take(35)
    assert (message.failures, message.not_before) == (1, 35)


def test_who_is_in_time_keeps_the_message():
    queue = Queue("q", lease_seconds=30)
    number = queue.put(Message("t", "a"))
    queue.take(0)
    assert queue.sweep(29.9) == 0
    queue.done(number)
    assert len(queue) == 0


def test_a_failed_message_is_not_free_at_once():
    queue = Queue("q", retries=Retries(first=0.5))
    queue.put(Message("t", "a"))
    queue.failed(queue.take(0).number, 10)
    assert queue.take(10.25) is None
    assert queue.take(10.5).body == "a"
