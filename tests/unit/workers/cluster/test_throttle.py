import pytest

from workers.cluster.throttle import MOST, MOST_BY_ADDRESS, WINDOW_SECONDS, Throttle, ThrottledError, group_address


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_an_address_that_was_refused_too_often_waits_and_others_do_not(clock: Clock) -> None:
    throttle = Throttle(clock)
    for _ in range(MOST_BY_ADDRESS):
        throttle.check("192.0.2.1")
        throttle.note("192.0.2.1")
    with pytest.raises(ThrottledError, match="from this address within a minute: wait a minute"):
        throttle.check("192.0.2.1")
    throttle.check("192.0.2.2")
    clock.now = WINDOW_SECONDS
    throttle.check("192.0.2.1")


def test_all_addresses_together_are_bounded(clock: Clock) -> None:
    throttle = Throttle(clock)
    for number in range(2 * MOST):
        throttle.note(f"192.0.2.{number % 250}")
    with pytest.raises(ThrottledError, match="somebody tries tokens"):
        throttle.check("198.51.100.1")
    clock.now = WINDOW_SECONDS
    throttle.check("198.51.100.1")


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_the_addresses_of_a_machine_count_as_one(address: str, group: str) -> None:
    assert group_address(address) == group
