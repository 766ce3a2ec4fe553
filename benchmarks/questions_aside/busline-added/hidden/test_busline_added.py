import datetime as dt

import pytest

from busline.services import parse_service


def running(text, *days):
    service = parse_service(text)
    return [service.runs_on(dt.date.fromisoformat(day)) for day in days]


def test_only_the_added_day_runs_after_the_last_one():
    text = "mon,tue,wed,thu,fri 2024-01-01 2024-06-28 +2024-07-07"
    assert running(text, "2024-06-28", "2024-07-01", "2024-07-05", "2024-07-07", "2024-07-08") == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_days_before_the_first_one():
    text = "sat 2024-03-01 2024-06-28 +2024-02-10"
    assert running(text, "2024-02-10", "2024-02-17", "2024-03-02") == [True, False, True]


def test_a_weekend_in_between():
    assert running("mon 2024-01-01 2024-06-28 +2024-04-13", "2024-04-13", "2024-04-14") == [True, False]


@pytest.mark.parametrize("day", ["2024-04-10", "2024-04-13", "2024-07-03", "2024-07-07"])
def test_a_day_that_was_added_and_removed_does_not_run(day):
    assert running(f"wed 2024-01-01 2024-06-28 +{day} -{day}", day) == [False]


def test_removed_days_outside_and_inside():
    text = "wed 2024-01-01 2024-06-28 -2024-05-01 +2024-07-10 -2024-07-17"
    assert running(text, "2024-05-01", "2024-05-08", "2024-07-10", "2024-07-17") == [False, True, True, False]
