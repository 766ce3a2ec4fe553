"""Test results out of what a command printed, where our pytest plugin was not: go, jest, vitest, unittest.

What is printed is hostile input. Nothing here is believed beyond what it says of single tests: a run that ended
badly stays a run that failed, whatever it printed, and what is malformed or too much is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

TESTS_LIMIT = 20_000
MESSAGE_LIMIT = 8_000
LINE_LIMIT = 1_000_000

_UNITTEST_VERBOSE = re.compile(
    r"^(\w+) \(([\w.]+)\)(?:\n[^\n]{0,300})? \.\.\. (ok|FAIL|ERROR|skipped|expected failure|unexpected success)", re.M
)
_UNITTEST_BLOCK = re.compile(r"^={70}\n(FAIL|ERROR): (\w+) \(([\w.]+)\)[^\n]*\n(?:[^\n]{0,300}\n)?-{70}\n", re.M)
_UNITTEST_END = re.compile(r"^Ran \d+ tests? in [\d.]+s$", re.M)
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


def parse_output(output: str) -> list[dict[str, Any]]:
    """The tests that an output tells of, as lines of the recorder; none when it is no report known here."""
    for reader in (_go, _jest, _unittest):
        found = []
        for record in reader(output):
            found.append({"kind": "test", **record})
            if len(found) == TESTS_LIMIT:
                break
        if found:
            return [*found, {"kind": "collected", "count": len(found)}]
    return []


def _go(output: str) -> Iterator[dict[str, Any]]:
    """`go test -json`: an event per line. A package that fails without a test, as by not compiling, is one."""
    said: dict[tuple[str, str], str] = {}
    failed: set[str] = set()
    for event in _objects(output):
        action, package, test = event.get("Action"), event.get("Package"), event.get("Test", "")
        if not isinstance(action, str) or not isinstance(package, str) or not isinstance(test, str):
            continue
        text = event.get("Output")
        if action == "output" and isinstance(text, str) and len(said) <= TESTS_LIMIT:
            said[package, test] = (said.get((package, test), "") + text)[-MESSAGE_LIMIT:]
        outcome = _GO_OUTCOMES.get(action)
        if outcome is None or (not test and (outcome != "failed" or package in failed)):
            continue
        if outcome == "failed":
            failed.add(package)
        name = f"{package}::{test}" if test else package
        message = said.get((package, test), "") if outcome == "failed" else ""
        yield {"id": name, "outcome": outcome, "seconds": event.get("Elapsed"), "message": message}


def _jest(output: str) -> Iterator[dict[str, Any]]:
    """`jest --json` and `vitest --reporter=json`: one object. A file without tests that failed is one."""
    for report in _objects(output):
        files = report.get("testResults")
        for file in files if isinstance(files, list) else []:
            if isinstance(file, dict):
                yield from _jest_file(file)


def _jest_file(file: dict[str, Any]) -> Iterator[dict[str, Any]]:
    path = str(file.get("name", "")).removeprefix("/work/")
    tests = file.get("assertionResults")
    tests = [test for test in tests if isinstance(test, dict)] if isinstance(tests, list) else []
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


def _unittest(output: str) -> Iterator[dict[str, Any]]:
    """Python's unittest: with -v every test, without only those that failed, with their tracebacks."""
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


def _unittest_id(test: str, place: str) -> str:
    """`module.Class.test`: newer interpreters say the place with the test, older ones without."""
    return place if place.endswith(f".{test}") else f"{place}.{test}"


def _objects(output: str) -> Iterator[dict[str, Any]]:
    """The JSON objects that are each a line of their own."""
    for line in output.splitlines():
        if not line.startswith("{") or len(line) > LINE_LIMIT:
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value
