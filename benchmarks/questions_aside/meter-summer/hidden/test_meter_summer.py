import datetime as dt

import pytest

from meter.localtime import is_summer, last_sunday, to_local
from meter.rates import rate_at

HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("year", "day"), [(2019, 31), (2021, 28), (2022, 27), (2023, 26), (2024, 31), (2025, 30), (2026, 29)]
)
def test_march(year, day):
    assert last_sunday(year, 3) == dt.date(year, 3, day)


@pytest.mark.parametrize(
    ("year", "day"), [(2019, 27), (2021, 31), (2022, 30), (2023, 29), (2024, 27), (2025, 26), (2026, 25)]
)
def test_october(year, day):
    assert last_sunday(year, 10) == dt.date(year, 10, day)


@pytest.mark.parametrize(
    "begin", [dt.datetime(2023, 3, 26, 1), dt.datetime(2024, 3, 31, 1), dt.datetime(2025, 3, 30, 1)]
)
def test_the_hour_at_which_summer_begins(begin):
    assert not is_summer(begin - dt.timedelta(seconds=1))
    assert is_summer(begin)
    assert to_local(begin) - to_local(begin - HOUR) == 2 * HOUR


@pytest.mark.parametrize(
    "end", [dt.datetime(2021, 10, 31, 1), dt.datetime(2023, 10, 29, 1), dt.datetime(2024, 10, 27, 1)]
)
def test_the_hour_at_which_summer_ends(end):
    assert is_summer(end - dt.timedelta(seconds=1))
    assert not is_summer(end)
    assert to_local(end) == to_local(end - HOUR)


def test_rates_in_the_last_week_of_october():
    assert rate_at(dt.datetime(2021, 10, 26, 20, 30)) == "night"
    assert rate_at(dt.datetime(2021, 10, 31, 20, 30)) == "day"
