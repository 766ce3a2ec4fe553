"""Logs of set-ups that failed, as pip, uv, compilers and shells write them: the cause, and what is shown."""

import pytest

from activities.sandbox.protocol import Execution
from activities.sandbox.setup_causes import cut_log, find_cause

PIP_END = """error: subprocess-exited-with-error

\u00d7 Building wheel for thing (pyproject.toml) did not run successfully.
│ exit code: 1
╰─> See above for output.

note: This error originates from a subprocess, and is likely not a problem with pip.
ERROR: Failed building wheel for thing
[notice] A new release of pip is available: 24.0 -> 25.0
"""
NO_VERSION = (
    "ERROR: Could not find a version that satisfies the requirement shop-kit==3 (from versions: none)\n"
    "ERROR: No matching distribution found for shop-kit==3\n"
)


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (
            "ERROR: Could not install packages: [Errno 28] No space left on device\n",
            "no space is left",
        ),
        ("error: failed to write: No space left on device (os error 28)\n", "no space is left"),
        (
            "ERROR: Package 'thing' requires a different Python: 3.11.2 not in '>=3.13'\n",
            "does not match (3.11.2 not in '>=3.13)",
        ),
        (
            "ERROR: Ignored the following versions that require a different python version: 3.0 Requires-Python >=3.9\n"
            + NO_VERSION,
            "no version for this Python is there (",
        ),
        (
            "Because the current Python version (3.11.2) does not satisfy Python>=3.12 and thing depends\n",
            "no version for this Python is there (Python>=3.12)",
        ),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError(...): Failed to establish a new "
            "connection: [Errno 111] Connection refused')': /simple/shop-kit/\n" + NO_VERSION,
            "no package index answers (",
        ),
        ("error: Request failed\n  Caused by: dns error: failed to lookup address\n", "no package index answers (dns"),
        (NO_VERSION, "the package shop-kit==3 is not in the package index"),
        (
            "  ╰─▶ Because shop-kit was not found in the package registry and you require it\n",
            "the package shop-kit is",
        ),
        ("npm error 404 Not Found - GET https://127.0.0.1/shop-kit - Not found\n", "is not in the package index"),
        (
            "src/a.c:3:10: fatal error: Python.h: No such file or directory\n" + PIP_END,
            "the header Python.h is missing",
        ),
        ("/usr/bin/ld: cannot find -lssl: No such file or directory\n" + PIP_END, "the library ssl is missing"),
        ("Package libffi was not found in the pkg-config search path.\n" + PIP_END, "the library libffi is missing"),
        ("Error: pg_config executable not found.\n" + PIP_END, "the library pg_config is missing"),
        ("error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory\n" + PIP_END, "the compiler x86_64"),
        ("error: can't find Rust compiler\n" + PIP_END, "the compiler Rust is missing"),
        ("+ make install\n/bin/sh: 1: make: not found\n", "the program make is missing"),
        ("bash: line 1: cmake: command not found\n", "the program cmake is missing"),
        ("+ npm ci\n/bin/sh: 1: npm: not found\n", "the sandbox has no Node.js (npm is missing)"),
    ],
)
def test_a_known_cause_is_named_with_what_to_do(log: str, cause: str) -> None:
    known = find_cause(Execution(1, "Collecting thing\nchecking for pg_config... yes\n" + log))
    assert known is not None
    assert cause in known.sentence
    assert known.remedy


def test_what_failed_last_is_the_cause() -> None:
    retried = "WARNING: Retrying after connection broken by 'Read timed out.'\nSuccessfully downloaded thing\n"
    known = find_cause(Execution(1, f"{retried}a.c:1:1: fatal error: zlib.h: No such file or directory\n{PIP_END}"))
    assert known is not None
    assert known.sentence == "the header zlib.h is missing"


def test_a_set_up_that_was_killed_is_told_from_one_that_ended_itself() -> None:
    killed = find_cause(Execution(137, "compiling\n"))
    assert killed is not None
    assert "sandbox.memory_mb" in killed.remedy
    assert find_cause(Execution(137, "compiling\n", reason="timed out after 3 s")) is None
    assert find_cause(Execution(1, "checking for header number 3... yes\nFATAL: nothing works\n")) is None


def test_the_last_lines_are_kept_without_what_an_installer_always_says() -> None:
    steps = "".join(f"checking for header number {number}... yes\n" for number in range(500))
    log = cut_log(Execution(1, f"{steps}the wheel is broken\n{PIP_END}"))
    assert log.endswith(
        "the wheel is broken\nerror: subprocess-exited-with-error\n\u00d7 Building wheel for thing (pyproject.toml) "
        "did not run successfully.\n│ exit code: 1\nERROR: Failed building wheel for thing"
    )
    assert len(log) <= 800
