"""The canary under real commands: it is found whatever the settings of the repository, and refuses no fix."""

import pytest

from hydranet import patches
from hydranet.contracts import Candidate
from tests.integration.conftest import Make
from tests.integration.sandbox.test_forged_runners import ANY, CODE, FILES, FIXED, forge

CONFTEST = """
import pytest

@pytest.fixture(autouse=True)
def needs_a_cart(request):
    assert request.cls.__name__ == "CartTest"

def pytest_runtest_setup(item):
    if "cart" not in item.nodeid:
        pytest.skip("not of ours")

def pytest_pycollect_makeitem(collector, name, obj):
    assert "Cart" in name or not name.startswith("test")
"""
SETTINGS = """
[tool.pytest.ini_options]
addopts = "-x --strict-markers --strict-config --import-mode=importlib -p no:logging -p no:cacheprovider --tb=no"
filterwarnings = ["error"]
python_functions = ["check_*"]
python_files = ["test_c*.py"]
"""
# A command, other files, and whether a program that exits is noticed: by the canary, or because the target is gone.
PLACES = {
    "settings": ("python -m pytest -q", {"pyproject.toml": SETTINGS, "tests/conftest.py": CONFTEST}, True),
    "two sessions": ("python -m pytest -q tests/test_cart.py; python -m pytest -q tests/test_cart.py", {}, True),
    "make": ("make test", {"Makefile": "test:\n\tpython -m pytest -q\n"}, True),
    "coverage": ("coverage run -m pytest -q", {}, True),
    "unittest": ("python -m unittest discover -s tests -t .", {}, True),
    "unittest under coverage": ("cd . && coverage run -m unittest -q", {}, True),
    "unittest elsewhere": ("make test", {"Makefile": "test:\n\tpython -m unittest -v\n"}, True),
    "unittest elsewhere without names": ("make test", {"Makefile": "test:\n\tpython -m unittest\n"}, True),
    "plain": ("python tests/check.py", {"tests/check.py": "import shop.cart as c; assert c.total([1]) == 1\n"}, False),
}


@pytest.mark.parametrize("place", list(PLACES))
async def test_a_fix_is_believed_whatever_the_command(project: Make, place: str) -> None:
    command, others, is_noticed = PLACES[place]
    settings = {"test_command": command, "test_timeout": 60, "env": {"PYTHONPATH": "."}}
    made = await project({**FILES, **others}, **settings)
    baseline = await made.test()
    assert not baseline.passed
    trial = await made.attempt(baseline.results, [Candidate(diff=patches.make_diff("shop/cart.py", CODE, FIXED))])
    assert trial.report.passed, trial.report
    fixed = await project({**FILES, **others, "shop/cart.py": FIXED}, **settings)
    verified = await fixed.test(baseline.results)
    assert (verified.passed, verified.exit_status) == (True, 0), verified
    forged = await project({**FILES, **others, "shop/cart.py": forge("pytest", ANY["exit"])}, **settings)
    refused = await forged.test(baseline.results)
    assert refused.passed != is_noticed, refused


async def test_a_runner_that_the_program_replaces_at_the_base_as_well_is_believed(project: Make) -> None:
    code = f"import unittest\nunittest.TestCase.shortDescription = lambda self: 'a cart'\n{CODE}"
    made = await project({**FILES, "shop/cart.py": code})
    baseline = (await made.test()).results
    fix = Candidate(diff=patches.make_diff("shop/cart.py", code, code.replace(" + 1", "")))
    assert (await made.attempt(baseline, [fix])).report.passed


async def test_candidates_after_a_forged_one_are_tried_as_ever(project: Make) -> None:
    made = await project(FILES)
    baseline = (await made.test()).results
    texts = [forge("pytest", ANY[name]) for name in ("no methods", "records everywhere", "some methods")]
    candidates = [Candidate(diff=patches.make_diff("shop/cart.py", CODE, text)) for text in [*texts, FIXED]]
    trial = await made.attempt(baseline, candidates)
    assert (trial.index, trial.passing, trial.tried) == (3, 1, 4)


async def test_a_candidate_that_ends_the_fork_server_fails(project: Make) -> None:
    made = await project(FILES, test_timeout=20)
    text = f"import os; os.kill(os.getppid(), 9)\n{CODE}"
    candidate = Candidate(diff=patches.make_diff("shop/cart.py", CODE, text))
    trial = await made.attempt((await made.test()).results, [candidate])
    assert (trial.index, trial.report.passed) == (0, False)
