"""Runners that name only the tests that fail: the numbers say whether the others passed."""

import pytest

from hydranet import patches
from hydranet.contracts import Candidate, Trial
from tests.integration.conftest import Make, Project

CODE = "def least(a, b):\n    return a\n\n\ndef most(a, b):\n    return max(a, b)\n"
TESTS = """
import unittest
from compare import least, most

class Least(unittest.TestCase):
    def test_first(self):
        self.assertEqual(least(1, 2), 1)

    def test_second(self):
        self.assertEqual(least(2, 1), 1)

class Most(unittest.TestCase):
    def test_most(self):
        self.assertEqual(most(1, 2), 2)
"""
# Both ways of calling a runner end with its summary; the second is a program of the repository's own.
RUN = """
import sys, unittest

program = unittest.main(module=None, argv=["run", "discover"], exit=False)
sys.exit(not program.result.wasSuccessful())
"""
RUNNERS = {
    "make": ("make check", {"Makefile": "check:\n\tpython -m unittest\n"}),
    "script": ("python run.py", {"run.py": RUN}),
}


@pytest.fixture(params=list(RUNNERS))
async def made(project: Make, request: pytest.FixtureRequest) -> Project:
    command, files = RUNNERS[request.param]
    return await project({"compare.py": CODE, "test_compare.py": TESTS, **files}, test_command=command)


async def try_change(made: Project, old: str, new: str) -> Trial:
    baseline = await made.test()
    assert baseline.failing == ("test_compare.Least.test_second",)
    assert (baseline.passing_count, baseline.reason) == (2, "1 of 3 tests fail.")
    changed = Candidate(diff=patches.make_diff("compare.py", CODE, CODE.replace(old, new)))
    return await made.attempt(baseline.results, [changed])


async def test_a_test_that_is_named_no_more_has_passed(made: Project) -> None:
    trial = await try_change(made, "return a\n", "return min(a, b)\n")
    assert (trial.report.passed, trial.report.passing_count) == (True, 3), trial.report


async def test_what_tests_print_is_not_mixed_with_what_their_runner_does(project: Make) -> None:
    code = CODE.replace("    return a\n", "    import os\n    os.write(1, b'test_none (')\n    return a\n")
    made = await project({"compare.py": code, "test_compare.py": TESTS}, test_command="sh -c 'python -m unittest -v'")
    baseline = await made.test()
    assert (baseline.failing, baseline.passing_count) == (("test_compare.Least.test_second",), 2)


@pytest.mark.parametrize(
    "code",
    [
        "import unittest\n    raise unittest.SkipTest('not now')\n",
        "import os\n    os._exit(0)\n",
        "import sys\n    sys.stderr.close()\n",
    ],
    ids=["skips", "exits", "is silent"],
)
async def test_a_test_that_vanishes_has_not_passed(made: Project, code: str) -> None:
    trial = await try_change(made, "return a\n", code)
    assert not trial.report.passed


async def test_breaking_a_test_without_a_name_counts(made: Project) -> None:
    trial = await try_change(made, CODE, CODE.replace("return a\n", "return min(a, b)\n").replace("max", "min"))
    assert (trial.report.passed, trial.report.failing) == (False, ("test_compare.Most.test_most",))


async def test_skipping_a_test_without_a_name_counts(made: Project) -> None:
    skips = "import unittest\n    raise unittest.SkipTest('not now')\n"
    fixed = CODE.replace("return a\n", "return min(a, b)\n").replace("return max(a, b)\n", skips)
    trial = await try_change(made, CODE, fixed)
    assert not trial.report.passed
