"""Failures of the environment: what each is told by, and what looks like one and is the code's own."""

import pytest

from activities.git.placeholders import POINTER
from activities.sandbox.environment_failures import Surroundings, tell_environment_failures
from activities.sandbox.judgement import TargetTests, judge_run
from activities.sandbox.protocol import Execution
from activities.sandbox.results import RecordedTests, build_report
from hydranet.contracts import TestResult, TestResults

PATHS = frozenset({"shop/__init__.py", "shop/price.py", "tests/test_price.py", "tests/data/table.bin", "run-it"})
PATHS |= {"shop/redis/__init__.py", "shop/redis/store.py", "tests/yaml/test_yaml.py", "src/till/money.py"}
SURROUNDINGS = Surroundings(
    paths=PATHS,
    submodules=("vendor/words",),
    installed={"numpy"},
    read=lambda path: f"{POINTER}v1\noid sha256:1\n" if path.endswith(".bin") else "",
)
COMMAND = "python -m pytest -q"


def in_pytest(line: str, frame: str = "tests/test_price.py:3") -> str:
    return f"    def test_it():\n>       work()\n\n{frame}: \n_ _ _\nE       {line}\n\n{frame}: {line.split(':')[0]}"


def in_unittest(line: str) -> str:
    return f'Traceback (most recent call last):\n  File "test_a.py", line 3, in test_it\n    work()\n{line}\n'


def explain(message: str, name: str = "tests/test_price.py::test_it") -> str:
    results = TestResults(tests=(TestResult(id=name, outcome="failed", message=message),))
    return tell_environment_failures(results, SURROUNDINGS, COMMAND).tests[0].cause


@pytest.mark.parametrize("show", [in_pytest, in_unittest])
@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("OSError: [Errno 101] Network is unreachable", "needs the network"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "needs the network"),
        (
            "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='a'): Max retries exceeded (Caused "
            'by NameResolutionError("<HTTPSConnection>: Failed to resolve"))',
            "needs the network",
        ),
        ("ModuleNotFoundError: No module named 'tomli'", "the package tomli is not installed"),
        ("ModuleNotFoundError: No module named 'redis'", "the package redis is not installed"),
        ("ModuleNotFoundError: No module named 'yaml'", "the package yaml is not installed"),
        ("ModuleNotFoundError: No module named 'numpy.testing.decorators'", "the installed package numpy has no"),
        ("ModuleNotFoundError: No module named 'words'", "the submodule vendor/words is not there"),
        ("ModuleNotFoundError: No module named '_tkinter'", "the interpreter has no module _tkinter"),
        ("ImportError: libGL.so.1: cannot open shared object file: No such file", "the library libGL.so.1 is not"),
        ("_tkinter.TclError: no display name and no $DISPLAY environment variable", "needs a display"),
        ("RuntimeError: Found no NVIDIA driver on your system.", "needs a GPU"),
        ("redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.", "a server"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/work/vendor/words/list.txt'", "submodule"),
        ("_pickle.UnpicklingError: 'tests/data/table.bin' has an invalid load key, 'v'.", "git lfs pull"),
    ],
)
def test_what_the_environment_lacks_is_named(show: object, line: str, cause: str) -> None:
    assert callable(show)
    assert cause in explain(show(line))


@pytest.mark.parametrize("show", [in_pytest, in_unittest])
@pytest.mark.parametrize(
    "line",
    [
        "AssertionError: assert 'Network is unreachable' == 'offline'",
        "ModuleNotFoundError: No module named 'shop.prices'",
        "ModuleNotFoundError: No module named 'till.coins'",
        "ModuleNotFoundError: No module named 'collections.abd'",
        "ImportError: cannot import name 'discount' from 'shop.price' (/work/shop/price.py)",
        "FileNotFoundError: [Errno 2] No such file or directory: 'config.toml'",
        "ConnectionRefusedError: [Errno 111] Connection refused",
        "KeyError: 'words'",
        "Failed: DID NOT RAISE <class 'OSError'>",
    ],
)
def test_the_fault_of_the_code_is_a_target(show: object, line: str) -> None:
    assert callable(show)
    assert explain(show(line)) == ""


def test_a_missing_program_is_told_from_a_missing_file_and_from_a_program_of_the_repository() -> None:
    line = "FileNotFoundError: [Errno 2] No such file or directory: '{}'"
    frame = "/usr/lib/python3.11/subprocess.py:1955"
    assert explain(in_pytest(line.format("ffmpeg"), frame)) == "the program ffmpeg is not installed"
    assert explain(in_pytest(line.format("run-it"), frame)) == ""
    assert explain(in_pytest(line.format("ffmpeg"))) == ""


def test_the_fixture_of_a_plugin_that_is_not_there_is_a_missing_package() -> None:
    message = "file /work/tests/test_a.py, line 1\n  def test_it({0}):\nE       fixture '{0}' not found\n>  available"
    assert explain(message.format("mocker")) == "the package pytest-mock is not installed"
    assert explain(message.format("shelf")) == ""


@pytest.mark.parametrize(
    ("statement", "frame", "cause"),
    [
        ("raise OSError(101, 'Network is unreachable')", "tests/test_price.py", ""),
        ("raise effect", "../../usr/lib/python3.11/unittest/mock.py", ""),
        ("raise exceptions[0]", "/usr/lib/python3.11/socket.py", "it needs the network"),
        ("sock.connect(address)", "shop/price.py", "it needs the network"),
    ],
)
def test_a_failure_that_a_test_plays_is_none_of_the_environment(statement: str, frame: str, cause: str) -> None:
    line = "OSError: [Errno 101] Network is unreachable"
    long = f"    def f():\n>       {statement}\nE       {line}\n\n{frame}:7: OSError"
    short = f"{frame}:7: in f\n    {statement}\nE   {line}"
    plain = f'Traceback (most recent call last):\n  File "{frame}", line 7, in f\n    {statement}\n    ^^^^^\n{line}\n'
    for message in (long, short, plain):
        assert explain(message).startswith(cause)
        assert bool(explain(message)) == bool(cause)


def test_of_a_chain_only_what_the_last_exception_was_raised_from_counts() -> None:
    network, ours = in_unittest("OSError: [Errno 101] Network is unreachable"), in_unittest("ValueError: no prices")
    assert "network" in explain(
        f"{network}\nThe above exception was the direct cause of the following exception:\n\n{ours}"
    )
    assert not explain(
        f"{network}\nDuring handling of the above exception, another exception occurred:\n\n"
        f"{in_unittest('AttributeError: no such thing')}"
    )


def test_the_command_is_a_known_failure_only_when_all_that_it_says_is() -> None:
    lacking = "ImportError while loading conftest '/work/conftest.py'.\nconftest.py:1: in <module>\n    import x1\n"
    lacking += "E   ModuleNotFoundError: No module named 'x1'\nexit status 4"
    assert explain(lacking, COMMAND) == "the package x1 is not installed"
    both = in_unittest("ModuleNotFoundError: No module named 'x1'") + in_unittest("ValueError: wrong")
    assert explain(both, COMMAND) == ""
    assert explain("3 of 4 checks failed\nexit status 1", COMMAND) == ""


BASELINE = TestResults(
    exit_status=1,
    tests=(
        TestResult(id="t.py::bug", outcome="failed", message="no"),
        TestResult(id="t.py::online", outcome="failed", cause="it needs the network"),
        TestResult(id="extra.py", outcome="error", cause="the package x1 is not installed"),
        TestResult(id="t.py::fine", outcome="passed"),
    ),
)


def judge(outcomes: dict[str, str], execution: Execution) -> tuple[bool, tuple[str, ...], int]:
    recorded = RecordedTests.of({"kind": "test", "id": name, "outcome": out} for name, out in outcomes.items())
    report = judge_run(0, recorded, execution, TargetTests.of(BASELINE), COMMAND).report
    return report.passed, report.failing, report.known_count


def test_a_known_failure_neither_stands_in_the_way_of_a_fix_nor_hides_another_failure() -> None:
    known = {"t.py::online": "failed", "extra.py": "error"}
    assert judge({"t.py::bug": "passed", "t.py::fine": "passed", **known}, Execution(1, "")) == (True, (), 2)
    assert judge({"t.py::bug": "passed", "t.py::fine": "passed", "t.py::online": "passed"}, Execution(0, ""))[0]
    assert judge({"t.py::bug": "passed", "t.py::fine": "passed", "extra.py::new": "failed"}, Execution(1, ""))[0]
    broken = judge({"t.py::bug": "passed", "t.py::fine": "failed", **known}, Execution(1, ""))
    assert broken[:2] == (False, ("t.py::fine",))
    assert not judge({"t.py::bug": "failed", "t.py::fine": "passed", **known}, Execution(1, ""))[0]


@pytest.mark.parametrize("execution", [Execution(1, "", reason="timed out after 3 s"), Execution(139, "")])
def test_a_known_failure_does_not_excuse_a_run_that_ended_badly(execution: Execution) -> None:
    outcomes = {"t.py::bug": "passed", "t.py::fine": "passed", "t.py::online": "failed"}
    assert judge(outcomes, execution)[:2] == (False, (COMMAND,))


def test_a_known_failure_does_not_excuse_a_forged_result() -> None:
    baseline = BASELINE.model_copy(update={"canary": True})
    outcomes = {"t.py::bug": "passed", "t.py::fine": "passed", "t.py::online": "failed"}
    recorded = RecordedTests.of({"kind": "test", "id": name, "outcome": out} for name, out in outcomes.items())
    run = judge_run(0, recorded, Execution(1, ""), TargetTests.of(baseline), COMMAND)
    assert not run.report.passed
    assert "not trusted" in run.distrust


def test_a_report_counts_known_failures_apart() -> None:
    report = build_report(BASELINE, RecordedTests(), Execution(1, ""))
    assert report.failing == ("t.py::bug",)
    assert [failure.describe() for failure in report.known] == [
        "extra.py (the package x1 is not installed)",
        "t.py::online (it needs the network)",
    ]
