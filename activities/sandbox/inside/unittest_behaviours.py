"""The comparison of candidates in a session of unittest, or of Django's tests."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Iterable
from typing import Any

from .behaviours import load_comparison
from .unittest_records import SessionRecords, sort_tests

# What Django has where its settings name no database.
_NO_ENGINE = "django.db.backends.dummy"


class ComparingRecords(SessionRecords):
    """The records of a session that has the calls of each test made with all versions, those of failing tests first."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._comparison = load_comparison(settings["behaviours"], self.write)

    def select(self, test: unittest.TestSuite | unittest.TestCase) -> None:
        """Sort the tests."""
        if isinstance(test, unittest.BaseTestSuite):
            sort_tests(test, lambda name: name not in self._comparison.first)

    def begin_test(self, name: str) -> None:
        """Attribute the calls from now on to this test."""
        # A fork would share any other database with this process.
        if are_databases_in_memory():
            self._comparison.begin_test(name)

    def finish(self, passed: bool) -> None:
        """Run the examples, and end the session."""
        self._comparison.end()
        super().finish(passed)


def are_databases_in_memory(aliases: Iterable[str] | None = None) -> bool:
    """Return whether Django's databases, or those of the aliases, are SQLite's in memory; so where it has none."""
    if "django.db" not in sys.modules:
        return True
    from django.conf import settings  # type: ignore[import-not-found, unused-ignore]
    from django.db import connections  # type: ignore[import-not-found, unused-ignore]

    if not settings.configured:
        return True
    opened = [connections[name] for name in (connections if aliases is None else aliases)]
    return all(_is_in_memory(each) for each in opened if each.settings_dict["ENGINE"] != _NO_ENGINE)


def _is_in_memory(connection: Any) -> bool:
    creation = connection.creation
    return connection.vendor == "sqlite" and bool(creation.is_in_memory_db(creation._get_test_db_name()))
