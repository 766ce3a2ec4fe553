"""Repositories with a pytest of their own: old versions, plugins, and settings that stop or surprise a session."""

import pytest

from hydranet import patches
from hydranet.contracts import Candidate
from tests.integration.conftest import Make

CODE = "def total(prices):\n    return sum(prices) + 1\n\n\ndef count(prices):\n    return len(prices)\n"
FIXED, WRONG = CODE.replace(" + 1", ""), CODE.replace(" + 1", " + 2")
TESTS = """
from shop import count, total

def test_total():
    assert total([1, 2]) == 3

def test_count():
    assert count([1, 2]) == 2
"""
FILES = {"shop.py": CODE, "conftest.py": "", "tests/test_cart.py": TESTS}
TARGET = "tests/test_cart.py::test_total"
# A test and a module that fail and that the fix does not touch; they come before the other tests.
OTHERS = {
    "tests/test_a.py": "def test_a():\n    assert 0\n",
    "tests/test_b.py": "raise ValueError('not now')\n\n\ndef test_b():\n    assert 1\n",
}
FAILING = {"tests/test_a.py::test_a", "tests/test_b.py"}

STRICT = """
[pytest]
required_plugins = pytest-randomly
xfail_strict = true
filterwarnings = error
addopts = --strict-config --strict-markers -p no:cacheprovider -p no:logging --import-mode=importlib
pythonpath = .
"""
ELSEWHERE = """
import pytest

@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
"""
WRITES = """
import pathlib

ROOT = pathlib.Path(__file__).parents[1]

def test_writes():
    (ROOT / "new.json").write_text("{}")
    (ROOT / "notes.txt").unlink()
"""
PLACES = {
    "6.2.5": {"requirements.txt": "pytest==6.2.5\n"},
    "7.0.1": {"requirements.txt": "pytest==7.0.1\n"},
    # Rewriting asserts fails on this Python.
    "5.4.3": {"requirements.txt": "pytest==5.4.3\n", "pytest.ini": "[pytest]\naddopts = --assert=plain\n"},
    "4.6.11": {"requirements.txt": "pytest==4.6.11\n", "pytest.ini": "[pytest]\naddopts = --assert=plain\n"},
    "forked": {"requirements.txt": "pytest==8.3.5\npytest-forked\n", "pytest.ini": "[pytest]\naddopts = --forked\n"},
    "no plugins": {"pytest.ini": "[pytest]\naddopts = -p no:terminal -p no:capture -p no:unittest -p no:doctest\n"},
    "strict": {
        "requirements.txt": "pytest-randomly\n",
        "pytest.ini": STRICT,
        "tests/conftest.py": ELSEWHERE,
        "tests/test_writes.py": WRITES,
        "notes.txt": "",
    },
}


@pytest.mark.parametrize("place", list(PLACES))
async def test_a_fix_is_found_and_verified(project: Make, place: str) -> None:
    files = {**FILES, **PLACES[place]}
    made = await project(files)
    report = await made.test()
    assert report.failing == (TARGET,)
    candidates = [Candidate(diff=patches.make_diff("shop.py", CODE, text)) for text in (WRONG, FIXED)]
    trial = await made.attempt(report.results, candidates)
    assert (trial.index, trial.tried, trial.report.passed) == (1, 2, True), trial.report
    many = [CODE.replace(" + 1", f" + {number}") for number in range(2, 10)] + [FIXED]
    candidates = [Candidate(diff=patches.make_diff("shop.py", CODE, text)) for text in many]
    trial = await made.attempt(report.results, candidates)
    assert (trial.index, trial.tried, trial.report.passed) == (8, 9, True), trial.report
    fixed = await (await project({**files, "shop.py": FIXED})).test(report.results)
    assert fixed.passed, fixed


@pytest.mark.parametrize("requirements", ["", "pytest==6.2.5\n"])
async def test_a_module_that_cannot_be_imported_here_stands_in_no_way(project: Make, requirements: str) -> None:
    missing = "import a_module_that_nobody_has\n\n\ndef test_b():\n    assert 1\n"
    files = {**FILES, "requirements.txt": requirements, "tests/test_b.py": missing}
    made = await project(files)
    report = await made.test()
    assert report.failing == (TARGET,)
    candidates = [Candidate(diff=patches.make_diff("shop.py", CODE, text)) for text in (WRONG, FIXED)]
    trial = await made.attempt(report.results, candidates)
    assert (trial.index, trial.report.passed) == (1, True), trial.report
    fixed = await (await project({**files, "shop.py": FIXED})).test(report.results)
    assert fixed.passed, fixed


@pytest.mark.parametrize(
    ("options", "requirements"),
    [
        ("", ""),
        ("-x", ""),
        ("--maxfail=2", ""),
        ("--stepwise", ""),
        ("-x", "pytest==6.2.5\n"),
        ("-n 2 -x", "pytest-xdist\n"),
    ],
)
async def test_no_failure_hides_other_tests(project: Make, options: str, requirements: str) -> None:
    settings = {"pytest.ini": f"[pytest]\naddopts = {options}\n", "requirements.txt": requirements}
    files = {**FILES, **OTHERS, **settings}
    made = await project(files)
    report = await made.test()
    assert {*report.failing} == {*FAILING, TARGET}
    assert report.passing_count == 1
    candidates = [Candidate(diff=patches.make_diff("shop.py", CODE, text)) for text in (WRONG, FIXED)]
    trial = await made.attempt(report.results, candidates)
    assert (trial.index, {*trial.report.failing}) == (1, FAILING)
    fixed = await (await project({**files, "shop.py": FIXED})).test(report.results)
    assert ({*fixed.failing}, fixed.passing_count) == (FAILING, 2)
