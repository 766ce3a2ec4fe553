from courier.queue.job import Job
from courier.queue.worker import Worker


def test_each_retry_waits_twice_as_long():
    assert [Worker().retry_after(Job("a", failures)) for failures in (1, 2, 3, 4)] == [30, 60, 120, 240]
