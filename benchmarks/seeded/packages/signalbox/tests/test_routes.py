import pytest

from signalbox.network import Network
from signalbox.routes import NoRoute, quickest, reachable


@pytest.fixture
def network():
    network = Network()
    network.track("Aven", "Birk", 10)
    network.track("Birk", "Calm", 15)
    network.track("Aven", "Dorn", 12)
    network.track("Dorn", "Calm", 8)
    network.track("Calm", "Esch", 20, both=False)
    return network


def test_the_quickest_way(network):
    route = quickest(network, "Aven", "Calm")
    assert repr(route) == "Aven - Dorn - Calm"
    assert route.minutes == 20


def test_one_way_tracks(network):
    assert quickest(network, "Calm", "Esch").minutes == 20
    with pytest.raises(NoRoute):
        quickest(network, "Esch", "Calm")


def test_stations_in_reach(network):
    assert reachable(network, "Aven", 12) == ["Aven", "Birk", "Dorn"]


def test_a_closed_station_is_passed_by(network):
    assert repr(quickest(network.without({"Dorn"}), "Aven", "Calm")) == "Aven - Birk - Calm"
