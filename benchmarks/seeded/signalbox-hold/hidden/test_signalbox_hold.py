from signalbox.board import departures
from signalbox.network import Network
from signalbox.routes import quickest
from signalbox.trains import Train


def line():
    network = Network()
    for one, other in zip("ABC", "BCD"):
        network.track(one, other, 10)
    return network


def test_a_hold_counts_from_its_station_on():
    train = Train("1", "freight", quickest(line(), "A", "D"), 0)
    train.hold("B", 7)
    assert [train.at(stop) for stop in "ABCD"] == [0, 17, 27, 37]
    train.hold("D", 3)
    assert train.at("D") == 40
    assert train.late == 10


def test_the_board_tells_the_delay_where_it_arises():
    train = Train("1", "freight", quickest(line(), "A", "D"), 60)
    train.hold("B", 7)
    assert departures([train], "B") == [("01:17", "1", "D", "7 min late")]
    assert departures([train], "A") == [("01:00", "1", "D", "")]
