import pytest

from signalbox.board import connection, departures
from signalbox.conflicts import conflicts
from signalbox.dispatch import resolve
from signalbox.network import Network
from signalbox.routes import quickest
from signalbox.trains import Train


@pytest.fixture
def line():
    network = Network()
    for one, other in zip("ABCD", "BCDE"):
        network.track(one, other, 10)
    return network


def test_trains_that_do_not_meet(line):
    trains = [
        Train("1", "express", quickest(line, "A", "C"), 0),
        Train("2", "regional", quickest(line, "C", "E"), 0),
    ]
    assert conflicts(trains) == []
    assert resolve(trains) == []


def test_the_freight_waits(line):
    express = Train("1", "express", quickest(line, "A", "C"), 5)
    freight = Train("2", "freight", quickest(line, "A", "B"), 0)
    assert resolve([express, freight]) == [("2", "A", 15)]


def test_the_board(line):
    trains = [
        Train("7", "regional", quickest(line, "A", "E"), 540),
        Train("3", "express", quickest(line, "B", "D"), 530),
    ]
    assert departures(trains, "B") == [("08:50", "3", "D", ""), ("09:10", "7", "E", "")]
    assert connection(trains, "B", "D", 535).number == "7"
