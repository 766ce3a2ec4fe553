from gazette.delivery.reader import Reader
from gazette.delivery.rounds import delivery_round
from gazette.delivery.subscriptions import charge_month


def test_a_subscriber_who_owes_three_months_gets_no_paper():
    reader = Reader("Ann", "Mill Lane")
    for _ in range(3):
        charge_month(reader)
    assert delivery_round([reader], "Mill Lane") == []


def test_a_subscriber_who_owes_a_month_gets_a_paper():
    assert delivery_round([Reader("Ann", "Mill Lane", [1500])], "Mill Lane") == ["Ann"]
