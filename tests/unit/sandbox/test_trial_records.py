"""The records of a trial are short, and say the same."""

import json
from typing import Any

import pytest

from activities.sandbox.inside.trials import shorten_records
from activities.sandbox.results import LINE_LIMIT, RecordedTests


def test_short_records_say_the_same() -> None:
    records: list[dict[str, Any]] = [{"kind": "start", "id": f"t::{number}"} for number in range(1002)]
    records += [
        {"kind": "test", "id": f"t::{number}", "outcome": "passed", "seconds": 0.5, "message": ""}
        for number in range(1000)
    ]
    records += [{"kind": "test", "id": "t::1000", "outcome": "failed", "seconds": 1.0, "message": "E  boom"}]
    records += [{"kind": "collected", "count": 1002}, {"kind": "finish", "status": 1}]
    lines = [json.dumps(record) for record in shorten_records(records)]
    assert len("".join(lines)) < len(json.dumps(records)) / 4
    assert max(map(len, lines)) < LINE_LIMIT
    short, whole = (RecordedTests.of(found) for found in (map(json.loads, lines), records))
    assert dict(short.tests) == dict(whole.tests)
    assert (short.unfinished, short.collected, short.status) == ({"t::1001": None}, 1002, 1)


@pytest.mark.parametrize("tests", [None, 3, ["a"], [["a"]], [[3, 1.0]], [["", 1.0]], [{"a": 1}]])
def test_tests_of_wrong_types_have_not_passed(tests: object) -> None:
    assert not RecordedTests.of([{"kind": "passed", "tests": tests}]).tests
