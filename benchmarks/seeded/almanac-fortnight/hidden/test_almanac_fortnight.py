import datetime as dt

from almanac.recurrence import Weekly


def test_weeks_begin_on_monday():
    rule = Weekly(dt.date(2024, 1, 12), ["tue", "fri"], 2)
    found = rule.days(dt.date(2024, 1, 1), dt.date(2024, 2, 12))
    assert [day.isoformat() for day in found] == ["2024-01-12", "2024-01-23", "2024-01-26", "2024-02-06", "2024-02-09"]


def test_every_week_is_every_week():
    rule = Weekly(dt.date(2024, 1, 3), ["mon"])
    assert [day.day for day in rule.days(dt.date(2024, 1, 1), dt.date(2024, 1, 31))] == [8, 15, 22, 29]


def test_every_third_week_from_a_sunday():
    rule = Weekly(dt.date(2024, 1, 7), ["mon", "sun"], 3)
    found = rule.days(dt.date(2024, 1, 1), dt.date(2024, 1, 31))
    assert [day.day for day in found] == [7, 22, 28]
