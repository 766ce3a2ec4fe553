"""Of many candidates most are ruled out in a process that has loaded the code, and none that a new one would pass."""

import re
from collections.abc import Sequence

import pytest

from activities.sandbox import candidates as candidates_module
from hydranet import patches
from hydranet.contracts import Candidate
from tests.integration.conftest import Make
from tests.integration.sandbox.test_warm_trials import MANAGE, SETTINGS

TESTS = """
import os
from shop import cart

PROCESS = os.getpid()

def test_total():
    assert cart.total([1, 2]) == 3, os.getpid() == PROCESS
"""
METHODS = """
import os
from {module} import TestCase
from shop import cart

PROCESS = os.getpid()

class CartTest(TestCase):
    def test_total(self):
        self.assertEqual(cart.total([1, 2]), 3, os.getpid() == PROCESS)
"""
DJANGO = {"requirements.txt": "django==5.2.*\n", "manage.py": MANAGE, "site_settings.py": SETTINGS}
FUNCTION = "def total(prices):\n    return WRONG\n"
WRONG = [str(number) for number in range(10, 18)]


def write_candidates(code: str, values: Sequence[str]) -> list[Candidate]:
    """A candidate for each value of WRONG in the code."""
    before = code.replace("WRONG", "9")
    texts = (code.replace("WRONG", value) for value in values)
    return [Candidate(diff=patches.make_diff("shop/cart.py", before, text)) for text in texts]


@pytest.mark.parametrize(("number", "are_loaded"), [(8, True), (3, False)])
@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("python -m pytest -q", {"test_cart.py": TESTS}),
        ("python -m unittest -b", {"test_cart.py": METHODS.format(module="unittest")}),
        ("python manage.py test", {**DJANGO, "test_cart.py": METHODS.format(module="django.test")}),
    ],
)
async def test_many_candidates_share_what_was_imported(
    project: Make, command: str, files: dict[str, str], number: int, are_loaded: bool
) -> None:
    files = {"shop/__init__.py": "", "shop/cart.py": FUNCTION.replace("WRONG", "9"), **files}
    made = await project(files, test_command=command)
    trial = await made.attempt((await made.test()).results, write_candidates(FUNCTION, WRONG[:number]))
    assert (trial.tried, trial.passing, trial.report.failing_count) == (number, 0, 1)
    assert re.search(rf"AssertionError: (10 != 3 : )?{not are_loaded}\b", trial.report.tail)


@pytest.mark.parametrize(
    "code",
    [
        FUNCTION,
        pytest.param(
            "def choose():\n    return WRONG\n\nTOTAL = choose()\n\ndef total(_):\n    return TOTAL\n", id="ran"
        ),
        pytest.param("TOTAL = WRONG\n\ndef total(_):\n    return TOTAL\n", id="constant"),
        pytest.param("def total(_, given=WRONG):\n    return given\n", id="default"),
        pytest.param("def total(_):\n    from shop.later import TOTAL\n    return TOTAL + WRONG\n", id="late"),
        pytest.param(
            "import functools\n\n@functools.lru_cache\ndef choose():\n    return WRONG\n\ndef total(_):\n"
            "    return choose()\n",
            id="wrapped",
        ),
        pytest.param(
            "class Cart:\n    @property\n    def total(self):\n        return WRONG\n\n"
            "def total(_):\n    return Cart().total\n",
            id="property",
        ),
        pytest.param(
            "def make():\n    def total(_):\n        return WRONG\n    return total\n\ntotal = make()\n", id="made"
        ),
    ],
)
async def test_a_right_one_is_found_whatever_its_change_reaches(project: Make, code: str) -> None:
    files = {"shop/__init__.py": "", "shop/cart.py": code.replace("WRONG", "9"), "test_cart.py": TESTS}
    made = await project({**files, "shop/later.py": "TOTAL = 0\n"})
    trial = await made.attempt((await made.test()).results, write_candidates(code, [*WRONG, "3"]))
    assert (trial.index, trial.report.passed) == (8, True)


async def test_the_lines_of_a_report_are_those_of_the_candidate(project: Make) -> None:
    code = "def raise_it():\n    raise KeyError(WRONG)\n\ndef total(_):\n    raise_it()  # calls\n"
    candidates = write_candidates(code, [f"\n        {value}\n    " for value in WRONG])
    made = await project({"shop/__init__.py": "", "shop/cart.py": code.replace("WRONG", "9"), "test_cart.py": TESTS})
    trial = await made.attempt((await made.test()).results, candidates)
    assert "shop/cart.py:7: in total\n    raise_it()  # calls\n" in trial.report.tail


PAIR = "def first():\n    return FIRST\n\ndef second():\n    return SECOND\n"
PAIRED = """
from {module} import TestCase
from shop.cart import first, second

class CartTest(TestCase):
    def test_1(self):
        self.assertEqual(first(), 1)

    def test_2(self):
        self.assertEqual(second(), 2)
"""


@pytest.mark.parametrize("command", ["python -m pytest -q", "python -m unittest", "python manage.py test"])
@pytest.mark.parametrize("number", [9, 3], ids=["collected", "anew"])
async def test_slow_targets_are_not_run_on_after_the_first_that_fails(
    project: Make, command: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = PAIR.replace("FIRST", "0").replace("SECOND", "0")
    django = "manage.py" in command
    files = {"shop/__init__.py": "", "shop/cart.py": base, **(DJANGO if django else {})}
    made = await project(
        {**files, "test_cart.py": PAIRED.format(module="django.test" if django else "unittest")}, test_command=command
    )
    results = (await made.test()).results
    wrong = [("3", "4")] * (number - 2)
    texts = [PAIR.replace("FIRST", one).replace("SECOND", two) for one, two in [*wrong, ("3", "2"), ("1", "4")]]
    candidates = [
        Candidate(diff=patches.make_diff("shop/cart.py", base, f"{text}# {n}\n")) for n, text in enumerate(texts)
    ]
    # Where all run, the first of those that leave one test failing is the best.
    assert (await made.attempt(results, candidates)).index == number - 2
    monkeypatch.setattr(candidates_module, "SLOW_SECONDS", 0.0)
    best = await made.attempt(results, candidates)
    assert (best.index, best.tried, best.report.failing_count) == (number - 1, number, 1)
    assert best.report.passing_count == 1
