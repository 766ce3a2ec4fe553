"""What a run recorded is hostile input."""

import json
import re
from pathlib import Path
from typing import Any, Literal

import pytest

from activities.sandbox import results as module
from activities.sandbox import sealed_records
from activities.sandbox.inside.seal import Seal
from activities.sandbox.protocol import Execution
from activities.sandbox.results import (
    RecordedTests,
    build_report,
    clean_output,
    list_tests,
    parse_records,
)
from activities.sandbox.results import build_results as build
from activities.sandbox.sealed_records import read_records, start_results
from hydranet.bounded_models import TESTS
from hydranet.contracts import TestResults

DONE = Execution(exit_status=1, output="the output")


def line_of(identifier: object = "test_a.py::test", outcome: object = "failed", **more: object) -> dict[str, Any]:
    return {"kind": "test", "id": identifier, "outcome": outcome, "seconds": 0.5, "message": "E  boom", **more}


def build_results(recorded: RecordedTests, execution: Execution, command: str) -> TestResults:
    return build(list_tests(recorded, execution, command).values(), recorded, execution)


def read(tmp_path: Path, content: bytes) -> list[dict[str, Any]]:
    path = tmp_path / "results"
    path.write_bytes(content)
    return list(parse_records(path))


def test_malformed_lines_are_left_out(tmp_path: Path) -> None:
    good = json.dumps(line_of()).encode()
    lines = [b"{", b"\xff\xfe", b"[" * 100_000, b"[1]", b'"text"', b"1" * 5000, b"", b"\0\0", good]
    assert read(tmp_path, b"\n".join(lines)) == [line_of()]


def test_endless_lines_and_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BYTES_LIMIT", 1_000_000)
    good = json.dumps(line_of()).encode() + b"\n"
    assert read(tmp_path, b"x" * 250_000 + b"\n" + good) == [line_of()]
    assert 0 < len(read(tmp_path, good * 20_000)) < 20_000


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"kind": 3},
        {"kind": ["test"]},
        {"kind": "test"},
        line_of(None),
        line_of(""),
        line_of(3),
        line_of(["a"]),
        line_of(outcome="great"),
        line_of(outcome=None),
        line_of(outcome=["passed"]),
        {"kind": "start", "id": 5},
        {"kind": "collected", "count": True},
        {"kind": "finish", "status": "0"},
    ],
)
def test_lines_of_wrong_types_tell_nothing(line: dict[str, object]) -> None:
    assert RecordedTests.of([line]) == RecordedTests()


@pytest.mark.parametrize("seconds", [None, "1", float("nan"), float("inf"), -1, 10**400, [1]], ids=range(7))
def test_impossible_durations_are_none(seconds: object) -> None:
    recorded = RecordedTests.of([line_of(seconds=seconds)])
    assert [test.seconds for test in recorded.tests.values()] == [0.0]


def test_text_is_defused() -> None:
    hostile = "a\x1b[31mb\x1b]0;title\x07c\0d\ud800e\x08f\r\ng\x9bh"
    assert clean_output(hostile) == "abcdef\ngh"
    recorded = RecordedTests.of([line_of(identifier=hostile, message=hostile)])
    found = build_results(recorded, DONE, "pytest")
    assert TestResults.model_validate_json(found.model_dump_json()) == found


def test_the_worst_outcome_of_a_test_counts() -> None:
    lines = [line_of(outcome=outcome) for outcome in ("passed", "failed", "passed", "skipped")]
    assert [test.outcome for test in RecordedTests.of(lines).tests.values()] == ["failed"]


def test_tests_and_messages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TESTS_LIMIT", 5)
    lines = [line_of(f"t::{number}", "passed") for number in range(10)]
    lines += [line_of(f"t::z{number}", message="m" * 50_000) for number in range(2)]
    recorded = RecordedTests.of(lines)
    assert all(len(test.message) <= module.MESSAGE_LIMIT for test in recorded.tests.values())
    found = build_results(recorded, DONE, "pytest")
    assert [test.id for test in found.tests] == ["t::z0", "t::z1", "t::0", "t::1", "t::2"]
    told = build_report(found, recorded, DONE)
    assert (told.failing_count, told.passing_count, told.reason) == (2, 10, "2 of 12 tests fail.")


@pytest.mark.parametrize("limits", [{"RECORDS_LIMIT": 20}, {"RECORDS_BYTES": 4000}], ids=["lines", "bytes"])
def test_what_the_host_cannot_hold_is_counted_but_for_failing_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int]
) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(sealed_records, name, value)
    path = tmp_path / "results"
    seal = Seal(start_results(path))
    lines: list[dict[str, Any]] = [{"kind": "session"}]
    for number in range(100):
        lines += [{"kind": "start", "id": f"t::{number}"}, line_of(f"t::{number}", "passed")]
    lines += [line_of("t::last"), {"kind": "start", "id": "t::never"}, {"kind": "finish", "status": 1}]
    with path.open("wb") as file:
        file.writelines(map(seal.wrap, lines))
    recorded = RecordedTests.of(read_records(path, seal.secret))
    assert 0 < recorded.unnamed < 100
    assert (recorded.passing_count, recorded.status, list(recorded.unfinished)) == (100, 1, ["t::never"])
    assert [test.id for test in recorded.tests.values() if test.is_failing] == ["t::last"]


def test_each_candidate_has_the_tests_that_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_records, "RECORDS_LIMIT", 4)
    path = tmp_path / "results"
    seal = Seal(start_results(path))
    lines: list[dict[str, Any]] = []
    for number in range(2):
        lines += [{"kind": "candidate", "index": number}, {"kind": "start", "id": "a"}, line_of("a", "passed")]
        lines += [line_of("b", "passed"), {"kind": "start", "id": f"c{number}"}]
    with path.open("wb") as file:
        file.writelines(map(seal.wrap, lines))
    found = [(line["kind"], line.get("id"), line.get("count")) for line in read_records(path, seal.secret)]
    first = [("candidate", None, None), ("test", "a", None), ("test", "b", None), ("start", "c0", None)]
    assert found == [*first, ("candidate", None, None), ("start", "c1", None), ("unnamed", None, 2)]


def test_the_error_told_is_that_of_the_first_failing_test_by_name() -> None:
    shuffled = [line_of("test_z.py::z", message="E  ValueError: z"), line_of("test_a.py::a", message="E  KeyError: a")]
    for order in (shuffled, shuffled[::-1]):
        recorded = RecordedTests.of(order)
        found = build_report(build_results(recorded, DONE, "pytest"), recorded, DONE)
        assert found.error is not None
        assert found.error.type == "KeyError"


def test_a_test_that_never_ended_is_an_error() -> None:
    recorded = RecordedTests.of(
        [{"kind": "collected", "count": 3}, line_of(outcome="passed"), {"kind": "start", "id": "b"}]
    )
    execution = Execution(exit_status=139, output="Segmentation fault")
    found = build_results(recorded, execution, "pytest")
    assert [(test.id, test.outcome) for test in found.tests] == [("test_a.py::test", "passed"), ("b", "error")]
    told = build_report(found, recorded, execution)
    assert (told.passed, told.failing, told.passing_count) == (False, ("b",), 1)
    assert told.reason == "1 of 3 tests fail; 1 never ran: the process was killed by signal 11."
    assert "Segmentation fault" in told.tail


def test_without_tests_the_exit_status_decides() -> None:
    for status, passed in ((0, True), (2, False)):
        execution = Execution(exit_status=status, output="said\n")
        found = build_results(RecordedTests(), execution, "make check")
        told = build_report(found, RecordedTests(), execution)
        assert (told.passed, told.structured, told.exit_status) == (passed, False, status)
        assert told.failing == (() if passed else ("make check",))
    assert told.reason == "The test command failed: exit status 2 (it was interrupted)."
    assert "said" in told.tail


def test_a_bad_end_without_a_failing_test_is_a_failure() -> None:
    recorded = RecordedTests.of([line_of(outcome="passed"), {"kind": "internal", "message": "INTERNALERROR"}])
    told = build_report(build_results(recorded, DONE, "pytest"), recorded, DONE)
    assert (told.passed, told.failing, told.structured) == (False, ("pytest",), True)
    assert "INTERNALERROR" in told.tail


def test_a_run_that_the_sandbox_ended_never_passes() -> None:
    execution = Execution(exit_status=0, output="", reason="printed more than 64 KB")
    recorded = RecordedTests.of([line_of(outcome="passed")])
    assert not build_report(build_results(recorded, execution, "pytest"), recorded, execution).passed


def test_many_failing_tests_are_counted_and_the_first_are_named() -> None:
    recorded = RecordedTests.of(line_of(f"t.py::test[{number}]") for number in range(200))
    told = build_report(build_results(recorded, DONE, "pytest"), recorded, DONE)
    assert (told.failing_count, len(told.failing)) == (200, TESTS)


def test_long_ids_stay_apart_in_a_report() -> None:
    names = [f"t.py::test[{'x' * 500}{number}]" for number in range(2)]
    recorded = RecordedTests.of(map(line_of, names))
    failing = build_report(build_results(recorded, DONE, "pytest"), recorded, DONE).failing
    assert len(set(failing)) == 2
    assert {len(name) for name in failing} == {200}


def test_long_texts_are_cut_and_say_so() -> None:
    lines = "\n".join(f"line {number}" for number in range(10_000))
    recorded = RecordedTests.of([line_of(message=lines), {"kind": "start", "id": "test_b.py::test"}])
    results = build_results(recorded, Execution(1, lines, stdout=lines), "pytest")
    message, unfinished = (test.message for test in results.tests)
    tail = build_report(results, recorded, DONE).tail
    assert results.stdout.startswith("line 0\n")
    assert unfinished.startswith("The test did not end: exit status 1.\n[")
    limits = {results.stdout: module.OUTPUT_LIMIT, message: module.MESSAGE_LIMIT, tail: 800}
    assert all(limit - 100 < len(text) <= limit for text, limit in limits.items())
    for text in (*limits, unfinished):
        before, count, after = re.split(r"\[([0-9,]+) characters left out\]\n", text)
        assert after.startswith("line ")
        assert after.endswith("line 9999")
        if text in (results.stdout, message):
            assert int(count.replace(",", "")) == len(lines) - len(before) - len(after)


def test_the_streams_of_a_command_stay_apart() -> None:
    printed = Execution(1, "beginning\nending\n", stdout="beginning\n", stderr="ending\n")
    results = build_results(RecordedTests(), printed, "make check")
    assert (results.stdout, results.stderr) == ("beginning\n", "ending\n")
    assert results.tests[0].message == "stdout:\nbeginning\nstderr:\nending\nexit status 1"


@pytest.mark.parametrize(("stdout", "stderr"), [(1_000_000, 100), (100, 1_000_000), (1_000_000, 1_000_000)])
def test_neither_stream_of_a_command_pushes_the_other_out(stdout: int, stderr: int) -> None:
    printed = Execution(1, "", stdout="o\n" * stdout, stderr="e\n" * stderr)
    (test,) = build_results(RecordedTests(), printed, "make check").tests
    assert test.message.count("o\n") >= 100
    assert test.message.count("e\n") >= 100
    assert 7900 < len(test.message) < 8100


def test_tests_that_run_at_once_are_kept_apart(tmp_path: Path) -> None:
    from activities.sandbox.inside.recorder import Recorder
    from activities.sandbox.inside.seal import take_seal

    path = tmp_path / "results"
    secret = start_results(path)
    with path.open("ab+") as file:
        recorder = Recorder(file.fileno(), take_seal(file.fileno()), test_seconds=1)
        recorder.pytest_runtest_logstart("t.py::one")
        recorder.pytest_runtest_logstart("t.py::other")
        outcomes: dict[str, Literal["passed", "failed"]] = {"one": "passed", "other": "failed"}
        for name, outcome in outcomes.items():
            recorder.pytest_runtest_logreport(
                pytest.TestReport(f"t.py::{name}", ("t.py", 1, name), {}, outcome, None, "call", duration=0.5)
            )
        recorder.pytest_runtest_logfinish("t.py::other")
        recorder.pytest_runtest_logfinish("t.py::one")
    recorded = RecordedTests.of(read_records(path, secret))
    assert {name: test.outcome for name, test in recorded.tests.items()} == {
        "t.py::one": "passed",
        "t.py::other": "failed",
    }
    assert not recorded.unfinished
