import pytest

from meter.bill import make_bill
from meter.money import divide, percent
from meter.rates import Prices


@pytest.mark.parametrize(("cents", "tax"), [(50, 10), (150, 29), (250, 48), (350, 67)])
def test_halves_go_up(cents, tax):
    assert percent(cents, 19) == tax


@pytest.mark.parametrize(("cents", "tax"), [(-50, -10), (-150, -29), (-250, -48), (-350, -67)])
def test_halves_below_zero_go_down(cents, tax):
    assert percent(cents, 19) == tax


@pytest.mark.parametrize(
    ("cents", "tax"), [(71, 13), (-71, -13), (103, 20), (-103, -20), (29, 6), (-29, -6), (1, 0), (0, 0)]
)
def test_all_others_go_to_the_nearest(cents, tax):
    assert percent(cents, 19) == tax


def test_quotients():
    assert [divide(number, 10) for number in (4, 5, 15, 24, 25, -4, -5, -15, -24, -25)] == [
        0,
        1,
        2,
        2,
        3,
        0,
        -1,
        -2,
        -2,
        -3,
    ]


def test_large_sums_are_exact():
    assert divide(10**18 + 5, 10) == 10**17 + 1
    assert percent(10**17 + 50, 1) == 10**15 + 1


def test_money_that_comes_back():
    bill = make_bill([], Prices(300, 200), paid=150)
    assert (bill.net, bill.tax, bill.total) == (-150, -29, -179)
