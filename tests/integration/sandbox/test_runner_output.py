"""Reports of other test runners: what they tell, and what they cannot make anyone believe."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from activities.sandbox import runner_output
from activities.sandbox.protocol import Execution
from activities.sandbox.results import RecordedTests, build_report, build_results, list_tests

UNITTEST = """
import unittest

class Sums(unittest.TestCase):
    def test_right(self):
        self.assertEqual(1 + 1, 2)

    def test_wrong(self):
        '''What it is about.'''
        self.assertEqual(1 + 1, 3)

    def test_breaks(self):
        raise RuntimeError("broken")

    @unittest.skip("later")
    def test_later(self):
        pass
"""
GO = [
    {"Action": "run", "Package": "m/a", "Test": "TestRight"},
    {"Action": "pass", "Package": "m/a", "Test": "TestRight", "Elapsed": 0.1},
    {"Action": "output", "Package": "m/a", "Test": "TestWrong", "Output": "    a_test.go:7: got 2, want 3\n"},
    {"Action": "fail", "Package": "m/a", "Test": "TestWrong", "Elapsed": 0},
    {"Action": "skip", "Package": "m/a", "Test": "TestLater"},
    {"Action": "fail", "Package": "m/a", "Elapsed": 0.2},
    {"Action": "output", "Package": "m/b", "Output": "b.go:3: undefined: x\n"},
    {"Action": "fail", "Package": "m/b"},
    {"Action": "pass", "Package": "m/c"},
]
JEST = {
    "numTotalTests": 3,
    "testResults": [
        {
            "name": "/work/src/sum.test.js",
            "status": "failed",
            "assertionResults": [
                {"fullName": "sum adds", "status": "passed", "duration": 12},
                {"fullName": "sum breaks", "status": "failed", "failureMessages": ["Error: expected 3"]},
                {"fullName": "sum later", "status": "pending"},
            ],
        },
        {"name": "/work/src/bad.test.js", "status": "failed", "message": "SyntaxError", "assertionResults": []},
    ],
}


def told(output: str) -> dict[str, tuple[str, str]]:
    found = RecordedTests.of(runner_output.parse_output(output)).tests
    return {test.id: (test.outcome, test.message) for test in found.values()}


@pytest.mark.parametrize("verbose", [True, False])
def test_unittest(tmp_path: Path, verbose: bool) -> None:
    (tmp_path / "test_sums.py").write_text(UNITTEST)
    command = [sys.executable, "-m", "unittest", *(["-v"] if verbose else [])]
    output = subprocess.run(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True).stderr
    found = told(output)
    assert {name: outcome for name, (outcome, _) in found.items()} == {
        "test_sums.Sums.test_wrong": "failed",
        "test_sums.Sums.test_breaks": "error",
    } | ({"test_sums.Sums.test_right": "passed", "test_sums.Sums.test_later": "skipped"} if verbose else {})
    assert found["test_sums.Sums.test_wrong"][1].endswith("AssertionError: 2 != 3")
    assert found["test_sums.Sums.test_breaks"][1].endswith("RuntimeError: broken")


@pytest.mark.parametrize(
    ("summary", "unnamed"),
    [
        ("Ran 5 tests in 0.1s\n\nOK\n", 5),
        ("Ran 5 tests in 0.1s\r\n\r\nOK (skipped=2)\r\n", 3),
        ("Ran 5 tests in 0.1s\n\nOK (SKIP=1)\n", 4),
        ("Ran 5 tests in 0.1s\n\nFAILED (skipped=2, unexpected successes=1)\n", 2),
        ("Ran 1 test in 0.1s\n\nOK\nRan 4 tests in 0.1s\n\nOK (skipped=1)\n", 4),
        ("test_a (m.C.test_a) ... ok\ntest_b (m.C.test_b) ... \x1b[0mprinted\nok\n\nRan 2 tests in 0.1s\n\nOK\n", 1),
        (f"{'=' * 70}\nFAIL: test_a (m.C.test_a)\n{'-' * 70}\nx\n\nRan 3 tests in 0.1s\n\nFAILED (failures=1)\n", 2),
        ("Ran 5 tests in 0.1s\n", 0),
    ],
)
def test_tests_that_pass_without_a_name_are_counted(summary: str, unnamed: int) -> None:
    recorded = RecordedTests.of(runner_output.parse_output(summary))
    assert recorded.unnamed == unnamed
    if "FAIL" not in summary and unnamed:
        report = build_report(
            build_results(recorded.tests.values(), recorded, Execution(0, "")), recorded, Execution(0, "")
        )
        assert (report.passed, report.structured) == (True, True)
        assert report.passing_count == unnamed + ("test_a" in summary)


def test_go() -> None:
    output = "go: downloading\n" + "\n".join(map(json.dumps, GO))
    assert told(output) == {
        "m/a::TestRight": ("passed", ""),
        "m/a::TestWrong": ("failed", "    a_test.go:7: got 2, want 3\n"),
        "m/a::TestLater": ("skipped", ""),
        "m/b": ("failed", "b.go:3: undefined: x\n"),
    }


def test_jest_and_vitest() -> None:
    output = f"> test\n> jest --json\n\n{json.dumps(JEST)}\nDone.\n"
    assert told(output) == {
        "src/sum.test.js::sum adds": ("passed", ""),
        "src/sum.test.js::sum breaks": ("failed", "Error: expected 3"),
        "src/sum.test.js::sum later": ("skipped", ""),
        "src/bad.test.js": ("error", "SyntaxError"),
    }


@pytest.mark.parametrize(
    "output",
    [
        "",
        "all fine",
        "{" * 100_000,
        '{"testResults": 3}\n{"testResults": [3, {"assertionResults": {}}]}',
        '{"Action": ["pass"], "Package": "a", "Test": "b"}\n{"Action": "pass", "Package": {}}',
        "Ran 3 tests in 0.1s",
        "FAIL: test_a (m.C)\n" * 1000,
        "[" * 50_000 + '\n{"a": ' * 3,
    ],
    ids=range(8),
)
def test_what_is_no_report_tells_of_no_test(output: str) -> None:
    assert runner_output.parse_output(output) == []


def test_reports_are_bounded_and_defused() -> None:
    lines = [{"Action": "output", "Package": "p", "Test": "T", "Output": "\x1b[31m" + "x" * 50_000 + "\ud800"}]
    lines += [{"Action": "fail", "Package": "p", "Test": "T"}]
    lines += [{"Action": "pass", "Package": "p" * 10_000, "Test": "T"}]
    lines += [{"Action": "pass", "Package": "p", "Test": f"T{number}"} for number in range(21_000)]
    recorded = RecordedTests.of(runner_output.parse_output("\n".join(map(json.dumps, lines))))
    assert len(recorded.tests) == 21_002
    assert all(len(name) <= 2000 for name in recorded.tests)
    message = recorded.tests["p::T"].message
    assert len(message) <= runner_output.MESSAGE_LIMIT
    assert "\x1b" not in message
    assert "\ud800" not in message


@pytest.mark.parametrize("name", ["go", "jest", "unittest"])
def test_a_run_that_failed_is_no_pass_whatever_it_printed(name: str) -> None:
    printed = {
        "go": json.dumps({"Action": "pass", "Package": "a", "Test": "T"}),
        "jest": json.dumps(
            {"testResults": [{"name": "a", "assertionResults": [{"fullName": "t", "status": "passed"}]}]}
        ),
        "unittest": "test_a (m.C.test_a) ... ok\n\nRan 1 test in 0.001s\n\nOK",
    }[name]
    recorded = RecordedTests.of(runner_output.parse_output(printed))
    assert len(recorded.tests) == 1
    execution = Execution(1, printed)
    found = build_results(list_tests(recorded, execution, "run tests").values(), recorded, execution)
    assert [test.outcome for test in found.tests] == ["passed", "error"]
    assert not build_report(found, recorded, execution).passed
