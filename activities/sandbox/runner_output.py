"""Test results from the output of other test runners: go, jest, vitest, unittest.

The output is hostile input. It is believed only about single tests: a run that ended badly has failed, whatever it
printed. What is malformed or beyond the limits is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# Tests with a message, characters of one message, and characters of a line of JSON.
TESTS_LIMIT = 20_000
MESSAGE_LIMIT = 8_000
LINE_LIMIT = 1_000_000

_UNITTEST_VERBOSE = re.compile(
    r"^(\w+) \(([\w.]+)\)(?:\n[^\n]{0,300})? \.\.\. (ok|FAIL|ERROR|skipped|expected failure|unexpected success)", re.M
)
_UNITTEST_BLOCK = re.compile(r"^={70}\n(FAIL|ERROR): (\w+) \(([\w.]+)\)[^\n]*\n(?:[^\n]{0,300}\n)?-{70}\n", re.M)
_UNITTEST_END = re.compile(r"^Ran \d+ tests? in [\d.]+s$", re.M)
# How many tests ran is one line, and how they ended another one.
_UNITTEST_SUMMARY = re.compile(r"^Ran (\d+) tests? in [\d.]+s\n+(?:OK|FAILED)(?: \(([^)\n]*)\))?", re.M)
_UNITTEST_NO_PASS = re.compile(r"(?:skip\w*|unexpected successes)=(\d+)", re.I)
_UNITTEST_OUTCOMES = {
    "ok": "passed",
    "FAIL": "failed",
    "ERROR": "error",
    "skipped": "skipped",
    "expected failure": "passed",
    "unexpected success": "failed",
}
_JEST_OUTCOMES = {"passed": "passed", "failed": "failed", "pending": "skipped", "skipped": "skipped", "todo": "skipped"}
_GO_OUTCOMES = {"pass": "passed", "fail": "failed", "skip": "skipped"}


def parse_output(*streams: str) -> list[dict[str, Any]]:
    """Return the tests in a command's streams as records, as our recorder writes them; none for an unknown format."""
    for parse in (_parse_go, _parse_jest, _parse_unittest):
        records = [{"kind": "test", **record} for stream in streams for record in parse(stream)]
        unnamed = _count_unnamed("\n".join(streams), records) if parse is _parse_unittest else 0
        if records or unnamed:
            counts = {"collected": len(records) + unnamed, "unnamed": unnamed}
            ends = ({"kind": kind, "count": count} for kind, count in counts.items())
            return [*records, *ends, {"kind": "finish", "status": 0}]
    return []


def _parse_go(output: str) -> Iterator[dict[str, Any]]:
    # `go test -json` prints an event per line.
    messages: dict[tuple[str, str], str] = {}
    failed: set[str] = set()
    for event in _parse_objects(output):
        action, package, test = event.get("Action"), event.get("Package"), event.get("Test", "")
        if not isinstance(action, str) or not isinstance(package, str) or not isinstance(test, str):
            continue
        text = event.get("Output")
        if action == "output" and isinstance(text, str) and len(messages) <= TESTS_LIMIT:
            messages[package, test] = (messages.get((package, test), "") + text)[-MESSAGE_LIMIT:]
        outcome = _GO_OUTCOMES.get(action)
        # A package that fails without a failing test does not compile, and counts as a test.
        if outcome is None or (not test and (outcome != "failed" or package in failed)):
            continue
        if outcome == "failed":
            failed.add(package)
        name = f"{package}::{test}" if test else package
        message = messages.get((package, test), "") if outcome == "failed" else ""
        yield {"id": name, "outcome": outcome, "seconds": event.get("Elapsed"), "message": message}


def _parse_jest(output: str) -> Iterator[dict[str, Any]]:
    # `jest --json` and `vitest --reporter=json` print one object.
    for report in _parse_objects(output):
        files = report.get("testResults")
        for file in files if isinstance(files, list) else []:
            if isinstance(file, dict):
                yield from _parse_jest_file(file)


def _parse_jest_file(file: dict[str, Any]) -> Iterator[dict[str, Any]]:
    path = str(file.get("name", "")).removeprefix("/work/")
    tests = file.get("assertionResults")
    tests = [test for test in tests if isinstance(test, dict)] if isinstance(tests, list) else []
    # A file that cannot be loaded fails without tests, and counts as a test.
    if not tests and file.get("status") == "failed":
        yield {"id": path, "outcome": "error", "message": str(file.get("message", ""))[-MESSAGE_LIMIT:]}
    for test in tests:
        outcome = _JEST_OUTCOMES.get(str(test.get("status")))
        if outcome is None:
            continue
        messages = test.get("failureMessages")
        message = "\n".join(map(str, messages))[-MESSAGE_LIMIT:] if isinstance(messages, list) else ""
        duration = test.get("duration")
        seconds = duration / 1000 if isinstance(duration, int | float) else 0.0
        yield {"id": f"{path}::{test.get('fullName', '')}", "outcome": outcome, "seconds": seconds, "message": message}


def _parse_unittest(output: str) -> Iterator[dict[str, Any]]:
    # With -v unittest prints every test; without, only the tracebacks of those that failed.
    output = output.replace("\r\n", "\n")
    if not _UNITTEST_END.search(output):
        return
    messages: dict[str, tuple[str, str]] = {}
    blocks = list(_UNITTEST_BLOCK.finditer(output))
    for number, block in enumerate(blocks[:TESTS_LIMIT]):
        end = blocks[number + 1].start() if number + 1 < len(blocks) else len(output)
        body = _UNITTEST_END.split(output[block.end() : end])[0].rstrip("-\n ")
        messages[_unittest_id(block[2], block[3])] = (_UNITTEST_OUTCOMES[block[1]], body[-MESSAGE_LIMIT:])
    for match in _UNITTEST_VERBOSE.finditer(output):
        name = _unittest_id(match[1], match[2])
        if name not in messages:
            yield {"id": name, "outcome": _UNITTEST_OUTCOMES[match[3]]}
    for name, (outcome, message) in messages.items():
        yield {"id": name, "outcome": outcome, "message": message}


def _count_unnamed(output: str, named: list[dict[str, Any]]) -> int:
    # Without -v the tests that passed have no names, only a number.
    passed: int = sum(
        int(ran) - sum(int(count) for count in _UNITTEST_NO_PASS.findall(details))
        for ran, details in _UNITTEST_SUMMARY.findall(output.replace("\r\n", "\n"))
    )
    return max(0, passed - len([record for record in named if record["outcome"] != "skipped"]))


def _unittest_id(test: str, place: str) -> str:
    # The place is `module.Class.test`, and before Python 3.11 `module.Class`.
    return place if place.endswith(f".{test}") else f"{place}.{test}"


def _parse_objects(output: str) -> Iterator[dict[str, Any]]:
    for line in output.splitlines():
        if not line.startswith("{") or len(line) > LINE_LIMIT:
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value
