"""Names that change from run to run, and commands that fail whatever their tests do: the base commit runs once more."""

import pytest

from hydranet import patches
from hydranet.contracts import Candidate, TestReport, Trial
from tests.integration.conftest import Make, Project

CODE = "LIMITS = [10, 20]\n\n\ndef discount(quantity):\n    return 0.1 if quantity > 10 else 0.0\n"
FIXED = CODE.replace(">", ">=")
TESTS = "from price import discount\n\n\ndef test_few():\n    assert discount(9) == 0.0\n\n\n"
BOUNDARY = "def test_boundary():\n    assert discount(10) == 0.1\n"
RANDOM = """
import random

import pytest
from price import LIMITS, discount

class Order:
    pass

@pytest.mark.parametrize("quantity", [random.randint(11, 10**9) for _ in LIMITS])
def test_any(quantity):
    assert discount(quantity) == 0.1

@pytest.mark.parametrize("order", [Order()], ids=lambda order: str(object.__repr__(order)))
def test_object(order):
    assert discount(12) == 0.1
"""
CHANGING_TARGET = """
import uuid

import pytest
from price import discount

@pytest.mark.parametrize("quantity", [10, 11], ids=[str(uuid.uuid4()), str(uuid.uuid4())])
def test_orders(quantity):
    assert discount(quantity) == 0.1
"""
FROM_THE_PROGRAM = """
import pytest
from price import LIMITS, discount

@pytest.mark.parametrize("quantity", LIMITS)
def test_limit(quantity):
    assert discount(quantity) == 0.1
"""
FILES = {"price.py": CODE, "tests/test_price.py": TESTS + BOUNDARY}
WARM, ANEW = "python -m pytest -q", "python -m pytest -q && true"


async def try_text(made: Project, report: TestReport, text: str) -> Trial:
    return await made.attempt(report.results, [Candidate(diff=patches.make_diff("price.py", CODE, text))])


@pytest.mark.parametrize("command", [WARM, ANEW], ids=["warm", "anew"])
async def test_names_that_change_reject_no_fix(project: Make, command: str) -> None:
    made = await project({**FILES, "tests/test_random.py": RANDOM}, test_command=command)
    baseline = await made.test()
    assert (baseline.failing_count, baseline.passing_count) == (1, 4)
    trial = await try_text(made, baseline, FIXED)
    assert (trial.report.passed, trial.report.passing_count) == (True, 5), trial.report
    assert "Names change from run to run (3 tests, such as tests/test_random.py::test_" in trial.report.notes[0]
    again = await try_text(made, baseline, FIXED + "\n")
    assert again.report.passed
    assert not (await try_text(made, baseline, FIXED.replace("[10, 20]", "[10]"))).report.passed


@pytest.mark.parametrize("command", [WARM, ANEW], ids=["warm", "anew"])
async def test_a_target_whose_name_changes_is_reached(project: Make, command: str) -> None:
    files = {"price.py": CODE, "tests/test_price.py": TESTS, "tests/test_orders.py": CHANGING_TARGET}
    made = await project(files, test_command=command)
    baseline = await made.test()
    assert (baseline.failing_count, baseline.passing_count) == (1, 2)
    assert not (await try_text(made, baseline, CODE.replace("> 10", "> 11"))).report.passed
    trial = await try_text(made, baseline, FIXED)
    assert (trial.report.passed, trial.report.passing_count) == (True, 3), trial.report
    verified = await made.verify(baseline.results, trial)
    assert (verified.passed, verified.passing_count) == (True, 3), verified
    assert verified.notes == trial.report.notes


async def test_a_test_that_a_patch_renames_is_still_missing(project: Make) -> None:
    made = await project({"price.py": CODE, "tests/test_limit.py": FROM_THE_PROGRAM})
    baseline = await made.test()
    assert baseline.failing == ("tests/test_limit.py::test_limit[10]",)
    trial = await try_text(made, baseline, CODE.replace("[10, 20]", "[11, 20]"))
    assert (trial.report.passed, trial.report.failing) == (False, baseline.failing)


# A conftest.py after which pytest ends with 3 in any case, and a program that is checked after the tests.
BAD_ENDING = "import os\n\ndef pytest_unconfigure(config):\n    os._exit(3)\n"
CHECKED = f"{WARM}; test $? = 0 && python -c 'import price; assert price.LIMITS == [10, 20]'"


@pytest.mark.parametrize(
    ("command", "files"),
    [
        (f"{WARM} && python -c 'import price; assert price.UNKNOWN'", {}),
        (ANEW, {"tests/conftest.py": BAD_ENDING}),
        (f"{WARM} --cov=price --cov-fail-under=100", {"tests/test_price.py": TESTS + BOUNDARY, "price.py": CODE}),
    ],
    ids=["another step", "exit", "coverage"],
)
async def test_a_command_that_fails_at_the_base_too_refuses_no_fix(
    project: Make, command: str, files: dict[str, str]
) -> None:
    uncovered = "\n\ndef refund(quantity):\n    return -quantity\n"
    setup = ("python -m pip install pytest-cov",) if "--cov" in command else ()
    made = await project({**FILES, "price.py": CODE + uncovered, **files}, test_command=command, setup=setup)
    if "price.py" in files:
        made = await project({**files, "price.py": CODE + uncovered}, test_command=command, setup=setup)
    baseline = await made.test()
    assert baseline.failing == ("tests/test_price.py::test_boundary",)
    fix = await made.change("price.py", ">", ">=")
    trial = await made.attempt(baseline.results, [fix])
    assert trial.report.passed, trial.report
    verified = await made.verify(baseline.results, trial)
    assert (verified.passed, verified.passing_count) == (True, 2), verified
    assert verified.notes[0].startswith("The test command fails although every test passes, as it does at the base")


METHODS = """
from django.test import SimpleTestCase
from price import discount

class PriceTest(SimpleTestCase):
    def test_few(self):
        self.assertEqual(discount(9), 0.0)

    def test_boundary(self):
        self.assertEqual(discount(10), 0.1)

class BoundaryTest(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        assert discount(10) == 0.1

    def test_boundary(self):
        pass
"""
UNITTEST = METHODS.replace("from django.test", "from unittest").replace("SimpleTestCase", "TestCase")
MANAGE = """
import sys
from django.conf import settings
from django.core.management import execute_from_command_line

settings.configure(INSTALLED_APPS=[])
execute_from_command_line(sys.argv)
"""


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("python -m unittest", {"test_price.py": UNITTEST}),
        (
            "python manage.py test",
            {"test_price.py": METHODS, "manage.py": MANAGE, "requirements.txt": "django==5.2.*\n"},
        ),
    ],
    ids=["unittest", "django"],
)
async def test_tests_that_failed_at_the_base_are_left_out_of_its_second_run(
    project: Make, command: str, files: dict[str, str]
) -> None:
    made = await project({"price.py": CODE, **files}, test_command=f"{command} && python -c 'raise SystemExit(9)'")
    baseline = await made.test()
    assert baseline.failing == ("test_price.BoundaryTest.setUpClass", "test_price.PriceTest.test_boundary")
    trial = await try_text(made, baseline, FIXED)
    assert (trial.report.passed, trial.report.passing_count) == (True, 3), trial.report
    assert trial.report.notes == (
        "The test command fails although every test passes, as it does at the base commit: exit status 9.",
    )


async def test_a_command_that_fails_only_with_the_fix_refuses_it(project: Make) -> None:
    made = await project(FILES, test_command=CHECKED)
    baseline = await made.test()
    assert baseline.failing == ("tests/test_price.py::test_boundary",)
    trial = await try_text(made, baseline, FIXED.replace("[10, 20]", "[20]"))
    assert (trial.report.passed, trial.report.failing) == (False, (CHECKED,))
    assert (await try_text(made, baseline, FIXED)).report.passed


NEVER_ENDS = "\n\nimport threading\nthreading.Thread(target=threading.Event().wait).start()\n"


async def test_a_process_that_never_exits_is_ended_and_its_tests_count(project: Make) -> None:
    made = await project({**FILES, "price.py": CODE + NEVER_ENDS}, test_command=WARM, test_timeout=6)
    baseline = await made.test()
    assert baseline.failing == ("tests/test_price.py::test_boundary",)
    note = "The test command did not exit when its tests had ended: timed out after 6 s."
    assert baseline.notes == (note,)
    trial = await made.attempt(baseline.results, [await made.change("price.py", ">", ">=")])
    verified = await made.verify(baseline.results, trial)
    assert (verified.passed, verified.passing_count, verified.notes) == (True, 2, (note,)), verified


async def test_a_fix_after_which_the_process_never_exits_is_refused(project: Make) -> None:
    made = await project(FILES, test_command=WARM, test_timeout=6)
    baseline = await made.test()
    trial = await try_text(made, baseline, FIXED + NEVER_ENDS)
    verified = await made.verify(baseline.results, trial)
    assert (verified.passed, verified.failing) == (False, (WARM,))
