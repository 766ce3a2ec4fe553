from orchard.pay.slip import pay_slip


def test_the_bonus_is_for_full_fifties():
    assert pay_slip("Ann", 40) == "Ann: 96.00"
    assert pay_slip("Ann", 50) == "Ann: 130.00"
