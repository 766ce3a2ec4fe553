"""Warm trials of unittest and Django: the results of a process per candidate, in forks of one that is warm."""

import pytest

from activities.sandbox import candidates
from hydranet import patches
from hydranet.contracts import Candidate, PrepareRequest
from tests.integration.conftest import Make, Project
from tests.integration.sandbox.test_forged_runners import CODE, FIXED

TESTS = """
import unittest
from shop.cart import count, total

class CartTest(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)

    def test_none(self):
        self.assertEqual(total([]), 0)

    def test_count(self):
        self.assertEqual(count([1, 2]), 2)
"""
FILES = {"shop/__init__.py": "", "shop/cart.py": CODE, "tests/__init__.py": "", "tests/test_cart.py": TESTS}
TARGET = ("tests.test_cart.CartTest.test_none", "tests.test_cart.CartTest.test_total")

MANAGE = """
import os, sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
SETTINGS = """
SECRET_KEY = "for tests"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
MODELS = """
from django.db import models

class Cart(models.Model):
    owner = models.CharField(max_length=20)

    def title(self):
        return self.owner
"""
DJANGO_TESTS = """
from django.test import SimpleTestCase, TestCase
from shop.cart import count, total
from shop.models import Cart

class CartTest(SimpleTestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)

    def test_none(self):
        self.assertEqual(total([]), 0)

class StoredTest(TestCase):
    def test_count(self):
        Cart.objects.create(owner="Ada")
        self.assertEqual(count(Cart.objects.all()), 1)
        self.assertEqual(Cart.objects.get().title(), "Ada")

    def test_nobody(self):
        self.assertEqual(count(Cart.objects.all()), 0)
"""
DJANGO = {
    "requirements.txt": "django==5.2.*\n",
    "manage.py": MANAGE,
    "site_settings.py": SETTINGS,
    "shop/__init__.py": "",
    "shop/models.py": MODELS,
    "shop/cart.py": CODE,
    "shop/tests/__init__.py": "",
    "shop/tests/test_cart.py": DJANGO_TESTS,
}


def edit(new: str, old: str = "sum(prices) + 1") -> Candidate:
    """The candidate with `new` in place of `old`."""
    return Candidate(diff=patches.make_diff("shop/cart.py", CODE, CODE.replace(old, new)), title=new)


@pytest.fixture(params=["python -m unittest", "python -m unittest && true"], ids=["warm", "anew"])
async def made(project: Make, request: pytest.FixtureRequest) -> Project:
    return await project(FILES, test_command=str(request.param))


async def test_the_first_that_passes_everything_wins(made: Project) -> None:
    report = await made.test()
    assert report.failing == TARGET
    trial = await made.attempt(report.results, [edit("sum(prices) + 2"), edit("sum(prices)"), edit("0")])
    assert (trial.index, trial.report.passed, trial.report.passing_count) == (1, True, 3)


async def test_else_the_one_with_fewest_failing_tests_wins(made: Project) -> None:
    report = await made.test()
    trial = await made.attempt(report.results, [edit("prices.missing"), edit("sum(prices) * 2"), edit("1")])
    assert (trial.index, trial.tried, trial.passing) == (1, 3, 0)
    assert trial.report.failing == (TARGET[1],)
    assert "AssertionError: 6 != 3" in trial.report.tail
    assert "self.assertEqual(total([1, 2]), 3)" in trial.report.tail


async def test_breaking_a_test_that_passed_counts(made: Project) -> None:
    text = FIXED.replace("len(prices)", "0")
    breaks = Candidate(diff=patches.make_diff("shop/cart.py", CODE, text))
    trial = await made.attempt((await made.test()).results, [breaks])
    assert trial.report.failing == ("tests.test_cart.CartTest.test_count",)


async def test_a_test_that_hangs_does_not_take_the_others_with_it(project: Make) -> None:
    code = CODE.replace("sum(prices) + 1", "sum(prices) if prices else endless()")
    loop = "while True:\n        try:\n            sum(range(9))\n        except Exception:\n            pass\n"
    endless = f"\n\ndef endless():\n    {loop}"
    made = await project({**FILES, "shop/cart.py": code + endless}, test_command="python -m unittest", test_timeout=10)
    report = await made.test()
    assert (report.failing, report.passing_count) == ((TARGET[0],), 2)
    assert "TimeoutError: timed out after 2 s" in report.tail
    wrong, right = (
        Candidate(diff=patches.make_diff("shop/cart.py", code + endless, text + endless))
        for text in (code.replace("sum(prices) if", "sum(prices) + 0 if"), FIXED)
    )
    trial = await made.attempt(report.results, [wrong, right])
    assert (trial.index, trial.report.passed) == (1, True)


@pytest.mark.parametrize(
    "tests",
    [
        # The class is of a module that discovery does not match.
        {"tests/cases.py": TESTS, "tests/test_cart.py": "from tests.cases import *\n"},
        {"tests/test_cart.py": TESTS.replace("class CartTest", "def setUpModule():\n    pass\n\nclass CartTest")},
    ],
)
async def test_a_test_is_found_wherever_it_is_defined(project: Make, tests: dict[str, str]) -> None:
    made = await project({**FILES, **tests}, test_command="python -m unittest discover")
    trial = await made.attempt((await made.test()).results, [edit("1"), edit("sum(prices)")])
    assert (trial.index, trial.report.passed) == (1, True)


async def test_what_stands_for_tests_that_cannot_start_passes_with_them(project: Make) -> None:
    code = CODE.replace("def count", "def number")
    set_up = "    @classmethod\n    def setUpClass(cls):\n        assert total([]) == 0\n\n    def test_total"
    for tests, failing in (
        (TESTS, "tests.test_cart"),
        (TESTS.replace("count, ", "").replace("    def test_total", set_up, 1), "tests.test_cart.CartTest.setUpClass"),
    ):
        made = await project(
            {**FILES, "shop/cart.py": code, "tests/test_cart.py": tests.replace("count([1, 2])", "2")},
            test_command="python -m unittest",
        )
        report = await made.test()
        assert report.failing == (failing,)
        fix = Candidate(diff=patches.make_diff("shop/cart.py", code, FIXED))
        half = Candidate(diff=patches.make_diff("shop/cart.py", code, CODE))
        trial = await made.attempt(report.results, [half, fix])
        assert (trial.index, trial.report.passed) == (1, True), trial.report


@pytest.mark.parametrize("command", ["python -m unittest", "python -m unittest -f && true"])
async def test_a_module_that_cannot_be_imported_here_stands_in_no_way(project: Make, command: str) -> None:
    missing = "import unittest\nimport a_module_that_nobody_has\n\nclass Other(unittest.TestCase):\n    pass\n"
    files = {**FILES, "tests/test_a.py": missing}
    made = await project(files, test_command=command)
    report = await made.test()
    assert report.failing == TARGET
    trial = await made.attempt(report.results, [edit("1"), edit("sum(prices)")])
    assert (trial.index, trial.report.passed) == (1, True), trial.report
    fixed = await (await project({**files, "shop/cart.py": FIXED}, test_command=command)).test(report.results)
    assert fixed.passed, fixed


@pytest.mark.parametrize(
    "settings",
    [SETTINGS, SETTINGS.replace('"site.sqlite3"', '"site.sqlite3", "TEST": {"NAME": "test.sqlite3"}')],
    ids=["in memory", "in a file"],
)
async def test_candidates_are_tried_by_django(project: Make, settings: str) -> None:
    made = await project({**DJANGO, "site_settings.py": settings}, test_command="python manage.py test")
    report = await made.test()
    assert report.failing == ("shop.tests.test_cart.CartTest.test_none", "shop.tests.test_cart.CartTest.test_total")
    model = Candidate(diff=patches.make_diff("shop/models.py", MODELS, MODELS.replace("20", "30")))
    trial = await made.attempt(report.results, [edit("1"), model, edit("sum(prices)")])
    assert (trial.index, trial.tried, trial.report.passed, trial.report.passing_count) == (2, 3, True, 4)
    fixed = await project(
        {**DJANGO, "site_settings.py": settings, "shop/cart.py": FIXED}, test_command="python manage.py test"
    )
    verified = await fixed.test(report.results)
    assert (verified.passed, verified.passing_count) == (True, 4)


@pytest.mark.parametrize(
    "command",
    [
        "./manage.py test",
        "python -W error manage.py test",
        "DJANGO_SETTINGS_MODULE=site_settings python3 -m django test",
        "PYTHONPATH=. django-admin test --settings site_settings",
    ],
)
async def test_every_way_to_call_django_is_warm(project: Make, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(candidates, "_run_separately", None)
    made = await project(DJANGO, test_command=command)
    report = await made.test()
    assert report.failing == ("shop.tests.test_cart.CartTest.test_none", "shop.tests.test_cart.CartTest.test_total")
    model = Candidate(diff=patches.make_diff("shop/models.py", MODELS, MODELS.replace("20", "30")))
    trial = await made.attempt(report.results, [model, edit("sum(prices)")])
    assert (trial.index, trial.report.passed, trial.report.passing_count) == (1, True, 4)


@pytest.mark.parametrize("call", ["-m unittest discover -s tests -t .", "-m pytest -q"])
@pytest.mark.parametrize("options", ["-W error", "-X dev -bb", "-W 'error::DeprecationWarning'"])
async def test_python_runs_the_trials_with_its_options(
    project: Make, monkeypatch: pytest.MonkeyPatch, options: str, call: str
) -> None:
    monkeypatch.setattr(candidates, "_run_separately", None)
    test = "\n    def test_options(self):\n        import sys\n        assert sys.warnoptions or sys.flags.dev_mode\n"
    files = {**FILES, "tests/test_cart.py": TESTS + test}
    made = await project(files, test_command=f"python {options} {call}")
    report = await made.test()
    assert (report.failing_count, report.passing_count) == (2, 2), report
    trial = await made.attempt(report.results, [edit("1"), edit("sum(prices)")])
    assert (trial.index, trial.report.passed, trial.report.passing_count) == (1, True, 4), trial.report


@pytest.mark.parametrize("runner", ["python -m unittest", "python -m pytest -q"])
@pytest.mark.parametrize("form", ["PYTHONPATH=libraries {}", "export PYTHONPATH=libraries && {}"], ids=["warm", "anew"])
async def test_a_command_may_set_the_search_path(project: Make, form: str, runner: str) -> None:
    files = {**FILES, "libraries/rounding.py": "", "shop/__init__.py": "import rounding\n"}
    made = await project(files, test_command=form.format(runner))
    report = await made.test()
    assert report.failing_count == 2
    trial = await made.attempt(report.results, [edit("1"), edit("sum(prices)")])
    assert (trial.index, trial.report.passed) == (1, True), trial.report


async def test_a_change_of_what_django_loads_first_is_tried_as_well(project: Make) -> None:
    models = MODELS.replace("return self.owner", "return self.owner.upper()")
    made = await project(
        {**DJANGO, "shop/cart.py": FIXED, "shop/models.py": models}, test_command="python manage.py test"
    )
    report = await made.test()
    assert report.failing == ("shop.tests.test_cart.StoredTest.test_count",)
    wrong, right = (
        Candidate(diff=patches.make_diff("shop/models.py", models, models.replace(".upper()", text)))
        for text in (".lower()", "")
    )
    trial = await made.attempt(report.results, [wrong, right])
    assert (trial.index, trial.tried, trial.report.passed) == (1, 2, True), trial.report


async def test_the_best_candidate_of_django_is_told_with_its_traceback(project: Make) -> None:
    made = await project(DJANGO, test_command="python manage.py test")
    report = await made.test()
    model = Candidate(diff=patches.make_diff("shop/models.py", MODELS, MODELS.replace("20", "30")))
    # The last one is not tried in the late fork, so neither is the best one the second time.
    for tried in ([edit("sum(prices) * 2"), edit("2")], [edit("sum(prices) * 2"), model]):
        trial = await made.attempt(report.results, tried)
        assert (trial.index, trial.tried, trial.passing) == (0, 2, 0)
        assert "self.assertEqual(total([1, 2]), 3)" in trial.report.tail


async def test_the_urls_are_loaded_before_any_test_of_django(project: Make) -> None:
    tests = DJANGO_TESTS.replace(
        "self.assertEqual(total([]), 0)", 'self.assertEqual((total([]), PAGES), (0, ["cart"]))'
    )
    files = {
        **DJANGO,
        "site_settings.py": f'{SETTINGS}ROOT_URLCONF = "shop.urls"\n',
        "shop/pages.py": "PAGES = []\n",
        "shop/urls.py": 'from shop.pages import PAGES\n\nPAGES.append("cart")\nurlpatterns = []\n',
        "shop/tests/test_cart.py": f"from shop.pages import PAGES{tests}",
    }
    made = await project(files, test_command="python manage.py test")
    trial = await made.attempt((await made.test()).results, [edit("1"), edit("sum(prices)")])
    assert (trial.index, trial.report.passed, trial.report.passing_count) == (1, True, 4), trial.report


@pytest.mark.parametrize(
    ("command", "requirements", "told"),
    [
        ("python -m unittest", "", ""),
        ("python -m pytest -q", "", ""),
        ("make test", "", "the test command is not a plain call of pytest, unittest or Django's tests"),
        ("python -m pytest -q --assert=plain", "pytest==5.4.3\n", "pytest 5.4.3 is older than 6"),
    ],
)
async def test_a_process_per_candidate_is_told_with_its_reason(
    project: Make, command: str, requirements: str, told: str
) -> None:
    made = await project({**FILES, "requirements.txt": requirements}, test_command=command)
    request = PrepareRequest(snapshot=made.snapshot, spec=made.spec)
    note = (await made.activities.prepare_environment(request)).note
    assert (f"; a process per candidate, since {told}; " in note) == bool(told)
    assert note.endswith("requirements.txt")
