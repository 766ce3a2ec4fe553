from orchard.store.alarm import alarm
from orchard.store.probe import Probe


def test_a_store_that_warms_up_raises_the_alarm():
    probe = Probe("Store 2")
    for degrees in (1.0, 1.2, 4.5, 5.0, 6.1):
        probe.read(degrees)
    assert alarm(probe) == "Store 2 is too warm."
