import pytest

from larder.units import Amount, UnitError, show


def test_units_of_a_measure_add_up():
    assert Amount(1, "kg") + Amount(500, "g") == Amount(1.5, "kg")


def test_weight_is_no_volume():
    with pytest.raises(UnitError):
        Amount(1, "kg").to("ml")


def test_amounts_are_shown():
    assert show(Amount(2.0, "cup")) == "2 cup"
    assert show(Amount(3)) == "3"
