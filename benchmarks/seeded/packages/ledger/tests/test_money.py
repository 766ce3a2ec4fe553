from ledger.money import cents, show, split


def test_amounts_are_read():
    assert cents("1,234.50") == 123450
    assert cents("-3") == -300


def test_amounts_are_shown():
    assert show(123450) == "1,234.50"
    assert show(-5) == "-0.05"


def test_splitting_keeps_the_sum():
    assert split(100, [1, 1, 1]) == [34, 33, 33]
