"""When something happens again."""

import datetime as dt

from almanac.dates import add_months, weekday


class Once:
    """Never again."""

    def __init__(self, day):
        self.day = day

    def days(self, first, last):
        return [self.day] if first <= self.day <= last else []


class Weekly:
    """On some weekdays, every so many weeks from a day on."""

    def __init__(self, start, weekdays, every=1):
        self.start = start
        self.weekdays = frozenset(weekday(name) for name in weekdays)
        self.every = every

    def days(self, first, last):
        monday = self.start - dt.timedelta(days=self.start.weekday())
        found = []
        day = max(first, self.start)
        while day <= last:
            week = (day - monday).days // 7
            if day.weekday() in self.weekdays and week % self.every == 0:
                found.append(day)
            day += dt.timedelta(days=1)
        return found


class Monthly:
    """On the same day of every month, or on its last where that is missing."""

    def __init__(self, start, count=None):
        self.start = start
        self.count = count

    def days(self, first, last):
        found = []
        number = 0
        while self.count is None or number < self.count:
            day = add_months(self.start, number)
            if day > last:
                break
            if day >= first:
                found.append(day)
            number += 1
        return found


class Except:
    """A recurrence without some days."""

    def __init__(self, rule, skipped):
        self.rule = rule
        self.skipped = set(skipped)

    def days(self, first, last):
        return [day for day in self.rule.days(first, last) if day not in self.skipped]
