"""Running a repository's tests: every outcome, and what hangs, crashes or lies."""

import pytest
from temporalio.exceptions import ApplicationError

from hydranet.contracts import PrepareRequest, TestReport
from tests.integration.conftest import Make, Project

PASSING = "def test_fine():\n    assert True\n"


async def outcomes(project: Project, report: TestReport) -> dict[str, str]:
    return {name: test.outcome for name, test in (await project.results(report)).items()}


async def test_every_outcome_is_told_by_its_test(project: Make) -> None:
    made = await project(
        {
            "test_all.py": """
import pytest, unittest

def test_passes(): pass
def test_fails(): assert [1, 2] == [1, 3]
def test_skips(): pytest.skip("not here")
@pytest.mark.xfail
def test_expected(): assert False
@pytest.mark.xfail(strict=True)
def test_unexpected(): pass
@pytest.fixture
def broken(): raise OSError("no fixture")
def test_breaks(broken): pass
@pytest.fixture
def untidy():
    yield
    raise ValueError("left behind")
def test_untidy(untidy): pass
@pytest.mark.parametrize("value", ["a b", "c::d", "[e]"])
def test_each(value): assert value != "c::d"
class Case(unittest.TestCase):
    def test_method(self): self.assertEqual(1, 2)
    def test_parts(self):
        for number in range(3):
            with self.subTest(number=number): self.assertNotEqual(number, 1)
"""
        }
    )
    report = await made.test()
    assert await outcomes(made, report) == {
        "test_all.py::test_passes": "passed",
        "test_all.py::test_fails": "failed",
        "test_all.py::test_skips": "skipped",
        "test_all.py::test_expected": "skipped",
        "test_all.py::test_unexpected": "failed",
        "test_all.py::test_breaks": "error",
        "test_all.py::test_untidy": "error",
        "test_all.py::test_each[a b]": "passed",
        "test_all.py::test_each[c::d]": "failed",
        "test_all.py::test_each[[e]]": "passed",
        "test_all.py::Case::test_method": "failed",
        "test_all.py::Case::test_parts": "failed",
    }
    assert (report.passed, report.structured, report.exit_status) == (False, True, 1)
    assert (report.failing_count, report.passing_count) == (7, 3)
    assert report.failing[0] == "test_all.py::Case::test_method"
    assert report.reason == "7 of 12 tests fail."
    assert "AssertionError: 1 != 2" in report.tail
    assert report.error is not None
    assert report.error.type == "AssertionError"


async def test_passing_tests_pass(project: Make) -> None:
    made = await project({"test_a.py": PASSING})
    report = await made.test()
    assert (report.passed, report.failing, report.passing_count, report.reason) == (True, (), 1, "")


async def test_a_test_that_hangs_does_not_take_the_others_with_it(project: Make) -> None:
    made = await project(
        {
            "test_a.py": """
import time

def loop():
    while True:
        try:
            sum(range(100))
        except Exception:
            pass

def test_computes(): loop()
def test_sleeps(): time.sleep(1000)
def test_fine(): pass
"""
        },
        test_timeout=10,
    )
    report = await made.test()
    assert await outcomes(made, report) == {
        "test_a.py::test_computes": "failed",
        "test_a.py::test_sleeps": "failed",
        "test_a.py::test_fine": "passed",
    }
    message = (await made.results(report))["test_a.py::test_computes"].message
    assert "TimeoutError: timed out after 2 s" in message
    assert "def loop():" in message
    assert "recorder.py" not in message
    assert report.error is not None
    assert report.error.error_class == "timeout"


async def test_a_test_that_no_signal_ends_is_an_error_and_the_earlier_ones_count(project: Make) -> None:
    made = await project(
        {
            "test_a.py": """
import signal

def test_fine(): pass
def test_deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    while True: pass
def test_never(): pass
"""
        },
        test_timeout=3,
    )
    report = await made.test()
    assert await outcomes(made, report) == {"test_a.py::test_fine": "passed", "test_a.py::test_deaf": "error"}
    assert report.reason == "1 of 3 tests fail; 1 never ran: timed out after 3 s."


@pytest.mark.parametrize(
    ("ending", "how"),
    [("os._exit(0)", "exit status 0"), ("os.kill(os.getpid(), 11)", "killed by signal 11")],
)
async def test_a_crash_is_an_error_of_the_test_that_ran(project: Make, ending: str, how: str) -> None:
    made = await project(
        {"test_a.py": f"import os\ndef test_fine(): pass\ndef test_crash(): {ending}\ndef test_never(): pass\n"}
    )
    report = await made.test()
    assert await outcomes(made, report) == {"test_a.py::test_fine": "passed", "test_a.py::test_crash": "error"}
    assert not report.passed
    assert how in report.reason


async def test_a_file_that_cannot_be_collected_fails(project: Make) -> None:
    made = await project({"test_a.py": "from test_b import nowhere\n", "test_b.py": PASSING})
    report = await made.test()
    assert await outcomes(made, report) == {"test_a.py": "error", "test_b.py::test_fine": "passed"}
    assert "cannot import name 'nowhere'" in report.tail
    assert report.error is not None
    assert report.error.type == "ImportError"


async def test_a_conftest_that_breaks_fails_the_command(project: Make) -> None:
    made = await project({"conftest.py": "raise OSError('broken')\n", "test_a.py": PASSING})
    report = await made.test()
    assert (report.passed, report.structured) == (False, False)
    assert report.failing == ("python -m pytest -q",)
    assert "broken" in report.tail


async def test_no_tests_are_no_pass(project: Make) -> None:
    made = await project({"a.py": "", "tox.ini": "[tox]\n", "Makefile": "test:\n\ttrue\n"})
    report = await made.test()
    assert (report.passed, report.exit_status) == (False, 5)
    assert "no tests ran" in report.reason
    assert report.no_tests == (
        "The test command `python -m pytest -q` found no tests: "
        "name the one that runs them with --test, such as `tox` and `make test`."
    )


async def test_of_any_other_command_the_exit_status_counts(project: Make) -> None:
    made = await project({"check.sh": "echo checked; exit 3\n"}, test_command="sh check.sh")
    report = await made.test()
    assert (report.passed, report.structured, report.exit_status) == (False, False, 3)
    assert report.failing == ("sh check.sh",)
    assert "checked" in report.tail
    passing = made.spec.model_copy(update={"test_command": "true && true"})
    made.spec = passing
    assert (await made.test()).passed


@pytest.mark.parametrize(
    "command",
    ["make test || true", "sh -c 'cd tests && pytest'; exit 0", "python run.py", "python -m pytest -p no:terminal"],
)
async def test_pytest_is_recorded_however_it_is_run(project: Make, command: str) -> None:
    run = "import pytest\npytest.main(['--rootdir=tests', '-x'])\n"
    files = {
        "Makefile": "test:\n\tpytest tests\n",
        "run.py": run,
        "tests/test_a.py": "def test_fails(): assert False\n",
    }
    made = await project(files, test_command=command)
    report = await made.test()
    assert [test.rpartition("/")[2] for test in report.failing] == ["test_a.py::test_fails"]
    assert report.structured


async def test_a_pytest_that_a_test_runs_is_not_recorded(project: Make) -> None:
    made = await project(
        {
            "test_a.py": """
import subprocess, sys

def test_nested(tmp_path):
    (tmp_path / "test_inner.py").write_text("def test_inner(): assert False")
    assert subprocess.run([sys.executable, "-m", "pytest", str(tmp_path)], cwd=tmp_path).returncode == 1
"""
        }
    )
    report = await made.test()
    assert await outcomes(made, report) == {"test_a.py::test_nested": "passed"}


async def test_an_unknown_command_is_an_error_of_the_set_up(project: Make) -> None:
    made = await project({"test_a.py": PASSING}, test_command="no-such-runner --all")
    with pytest.raises(ApplicationError, match=r"`no-such-runner --all` was not found in the sandbox"):
        await made.test()


async def test_tests_that_overwrite_the_record_do_no_harm(project: Make) -> None:
    made = await project(
        {
            "test_a.py": r"""
def test_forges():
    with open("/results", "ab") as file:
        file.write(b'{"kind": "test", "id": 3}\n[[[\n\xff\n')
        file.write(b'{"kind": "test", "id": "' + b"x" * 5000 + b'", "outcome": "passed"}\n')
    assert False
"""
        }
    )
    report = await made.test()
    found = await outcomes(made, report)
    assert found["test_a.py::test_forges"] == "failed"
    assert all(len(name) <= 2000 for name in found)


async def test_the_environment_is_prepared_with_what_the_repository_declares(project: Make) -> None:
    made = await project(
        {"test_a.py": PASSING},
        setup=("echo 'VALUE = 1' > $(python -c 'import site; print(site.getsitepackages()[0])')/prepared.py",),
        test_command="python -c 'import prepared'",
    )
    prepared = await made.activities.prepare_environment(PrepareRequest(snapshot=made.snapshot, spec=made.spec))
    assert len(prepared.key) == 32
    assert prepared.note.startswith("bubblewrap, Python ")
    assert (await made.test()).passed


async def test_settings_reach_the_tests(project: Make) -> None:
    made = await project(
        {
            "src/package.py": "VALUE = 1\n",
            "test_a.py": "import os, package\ndef test_it(): assert os.environ['A'] == 'b'\n",
        },
        env={"PYTHONPATH": "src", "A": "b"},
        test_command="pytest",
    )
    assert (await made.test()).passed


async def test_single_tests_of_unittest_are_known(project: Make) -> None:
    made = await project(
        {
            "test_a.py": """
import unittest

class Sums(unittest.TestCase):
    def test_right(self):
        self.assertEqual(1 + 1, 2)

    def test_wrong(self):
        self.assertEqual(1 + 1, 3)
"""
        },
        test_command="python -m unittest -v",
    )
    report = await made.test()
    assert (report.structured, report.passed) == (True, False)
    assert await outcomes(made, report) == {"test_a.Sums.test_right": "passed", "test_a.Sums.test_wrong": "failed"}
