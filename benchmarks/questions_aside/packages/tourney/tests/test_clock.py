import pytest

from tourney.clock import Clock, play
from tourney.control import Control, Stage, parse_control


def test_controls():
    assert parse_control("40/5400+30, 900") == Control((Stage(40, 5400, 30), Stage(0, 900)))
    with pytest.raises(ValueError, match="moves"):
        parse_control("900,40/5400")


def test_one_stage():
    clock = play(parse_control("300+3"), [10, 5, 10])
    assert clock.left == {"white": 286, "black": 298}
    assert clock.turn == "black"


def test_the_second_stage():
    clock = play(parse_control("2/100,50+5"), [10, 10, 10])
    assert clock.left == {"white": 130, "black": 90}


def test_the_increment_of_a_stage():
    clock = play(parse_control("2/100,50+5"), [10, 10, 10, 10, 10])
    assert clock.left["white"] == 125


def test_flags_fall():
    clock = play(parse_control("60"), [30, 1, 30, 1, 1])
    assert clock.flagged == "white"
    assert clock.moves == {"white": 1, "black": 1}
    with pytest.raises(ValueError, match="flag"):
        clock.press(1)


def test_showing():
    assert Clock(parse_control("5400")).show("white") == "1:30:00"
