import pytest

from tourney.clock import play
from tourney.control import parse_control


def added(text, last):
    control = parse_control(text)
    return {move: control.added_after(move) for move in range(1, last + 1) if control.added_after(move)}


def test_three_stages():
    assert added("40/5400,20/3000,900", 130) == {40: 3000, 60: 900}


def test_a_longer_second_stage():
    assert added("20/3000,40/5400,900", 130) == {20: 5400, 60: 900}


def test_four_stages():
    assert added("40/5400,20/3000,10/600,300", 150) == {40: 3000, 60: 600, 70: 300}
    assert added("10/100,30/200,20/300,50", 150) == {10: 200, 40: 300, 60: 50}


def test_equal_stages():
    assert added("10/100,10/200,10/300,50", 60) == {10: 200, 20: 300, 30: 50}


def test_one_stage():
    assert added("900", 100) == {}


@pytest.mark.parametrize(("moves", "left"), [(3, 70), (4, 110), (5, 100), (6, 110), (7, 100)])
def test_the_clock(moves, left):
    assert play(parse_control("4/100,2/50,20"), [10, 10] * moves).left["white"] == left
