import datetime as dt

from almanac.recurrence import Except, Monthly


def iso(days):
    return [day.isoformat() for day in days]


def test_a_short_month_does_not_shorten_the_next():
    rule = Monthly(dt.date(2023, 1, 30))
    assert iso(rule.days(dt.date(2023, 2, 1), dt.date(2023, 5, 31))) == [
        "2023-02-28", "2023-03-30", "2023-04-30", "2023-05-30"]


def test_the_count_still_ends_it():
    rule = Except(Monthly(dt.date(2023, 12, 31), 3), [dt.date(2024, 1, 31)])
    assert iso(rule.days(dt.date(2023, 1, 1), dt.date(2025, 1, 1))) == ["2023-12-31", "2024-02-29"]
