"""The comparison of candidates in a session of pytest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .behaviours import SessionComparison
from .trial_recorder import format_briefly


class BehaviourRecorder:
    """A pytest plugin that has the calls of each test made with all versions, those of failing tests first."""

    def __init__(self, comparison: SessionComparison) -> None:
        self._comparison = comparison

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the tests."""
        items.sort(key=lambda item: item.nodeid not in self._comparison.first)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Attribute the calls from now on to this test."""
        item.repr_failure = format_briefly  # type: ignore[method-assign]
        self._comparison.begin_test(item.nodeid)
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Run the examples."""
        self._comparison.end()
