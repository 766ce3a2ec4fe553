import pytest

from ledger.accounts import Chart, NoSuchAccount


def test_below_is_the_account_and_its_parts():
    chart = Chart(["assets:bank:giro", "assets:bankloan", "assets:ban"])
    assert chart.below("assets:bank") == ["assets:bank", "assets:bank:giro"]
    assert chart.below("assets:ban") == ["assets:ban"]
    assert chart.below("assets") == ["assets", "assets:ban", "assets:bank", "assets:bank:giro", "assets:bankloan"]


def test_an_unknown_account_is_refused():
    with pytest.raises(NoSuchAccount):
        Chart(["assets:bank"]).below("assets:b")
