import pytest

from larder.stock import Missing, Stock
from larder.units import Amount


def test_only_good_batches_are_taken_oldest_first():
    stock = Stock()
    for best in (2, 6, 9):
        stock.put("cream", Amount(100, "ml"), best)
    stock.take("cream", Amount(150, "ml"), day=4)
    assert stock.amount("cream", 4) == Amount(50, "ml")
    assert stock.amount("cream", 0) == Amount(150, "ml")
    assert stock.amount("cream", 7) == Amount(50, "ml")


def test_what_is_good_today_is_taken():
    stock = Stock()
    stock.put("egg", Amount(2), 4)
    stock.take("egg", Amount(2), day=4)
    assert stock.amount("egg", 4) is None
    with pytest.raises(Missing):
        stock.take("egg", Amount(1), day=4)
