from orchard.forecast.harvest import harvest_forecast


def test_pears_between_two_ages():
    assert harvest_forecast("pear", 6.0, 10) == 200
