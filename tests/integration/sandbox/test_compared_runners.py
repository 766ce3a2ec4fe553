"""Candidates that pass are told apart by unittest and by Django's tests as they are by pytest."""

import pytest

from hydranet import patches
from hydranet.contracts import Candidate, Trial
from tests.integration.conftest import Make
from tests.integration.sandbox.test_warm_trials import DJANGO, MANAGE, SETTINGS

CODE = "def total(prices):\n    return sum(prices) + 1\n"
TESTS = """
import unittest
from cart import total

class Others(unittest.TestCase):
    def test_one(self):
        with self.subTest("a part"):
            self.assertEqual(total([-1]), 0)

class Total(unittest.TestCase):
    @unittest.expectedFailure
    def test_none(self):
        self.assertEqual(total([]), 5)

    def test_two(self):
        self.assertEqual(total([1, 2]), 3)
"""
CARTS = """
from shop.models import Cart

def count(owner):
    return Cart.objects.filter(owner=owner).count() + 1
"""
CART_TESTS = """
from django.test import TestCase
from shop.cart import count
from shop.models import Cart

class CartTest(TestCase):
    def setUp(self):
        for _ in range(2):
            Cart.objects.create(owner="Ada")

    def test_count(self):
        self.assertEqual(count("Ada"), 2)

    def test_title(self):
        self.assertEqual(Cart.objects.first().title(), "Ada")
"""


def replace(path: str, code: str, old: str, *new: str) -> list[Candidate]:
    return [Candidate(diff=patches.make_diff(path, code, code.replace(old, text)), title=text) for text in new]


@pytest.mark.parametrize("command", ["python -m unittest", "python3 -m unittest discover -v"])
async def test_unittest_shows_a_call_that_tells_candidates_apart(project: Make, command: str) -> None:
    code = CODE.replace("+ 1", "+ (1 if len(prices) > 1 else 0)")
    tests = TESTS.replace("total([-1]), 0", "total([-1]), -1")
    made = await project({"cart.py": code, "test_cart.py": tests}, test_command=command, compare_seconds=60)
    report = await made.test()
    assert report.failing == ("test_cart.Total.test_two",)
    changes = replace("cart.py", code, "1 if len(prices) > 1", "0 if len(prices) > 1", "1 if len(prices) > 2")
    trial = await made.attempt(report.results, changes)
    assert trial.passing == 2
    assert trial.question is not None
    assert trial.question.call.test.startswith("test_cart.")
    assert trial.question.call.setup == "from cart import total"
    first, second = (choice.result.text for choice in trial.question.choices)
    assert first != second


async def try_carts(project: Make, settings: str = SETTINGS, command: str = "python manage.py test") -> Trial:
    files = {**DJANGO, "site_settings.py": settings, "shop/cart.py": CARTS, "shop/tests/test_cart.py": CART_TESTS}
    made = await project(files, test_command=command, compare_seconds=60)
    report = await made.test()
    assert report.failing == ("shop.tests.test_cart.CartTest.test_count",)
    return await made.attempt(
        report.results, replace("shop/cart.py", CARTS, ".count() + 1", ".count()", ".count() * 0 + 2")
    )


@pytest.mark.parametrize("command", ["python manage.py test", "python manage.py test --parallel=2"])
async def test_django_makes_calls_with_what_is_in_its_database(project: Make, command: str) -> None:
    trial = await try_carts(project, command=command)
    assert trial.passing == 2
    assert trial.question is not None
    call = trial.question.call
    assert (call.test, call.code) == ("shop.tests.test_cart.CartTest.test_count", "count('')")
    assert [choice.result.text for choice in trial.question.choices] == ["returns 0", "returns 2"]


async def test_a_database_in_a_file_is_not_shared_with_forks(project: Make) -> None:
    settings = SETTINGS.replace('"site.sqlite3"', '"site.sqlite3", "TEST": {"NAME": "test.sqlite3"}')
    trial = await try_carts(project, settings)
    assert (trial.report.passed, trial.question) == (True, None)


async def test_django_without_a_database_is_compared(project: Make) -> None:
    tests = "from django.test import SimpleTestCase as Case\nfrom cart import total\n\n\nclass T(Case):\n"
    files = {
        "manage.py": MANAGE,
        "requirements.txt": "django==5.2.*\n",
        "site_settings.py": 'SECRET_KEY = "x"\n',
        "cart.py": CODE,
        "test_cart.py": f"{tests}    def test_total(self):\n        self.assertEqual(total([1, 2]), 3)\n",
    }
    made = await project(files, test_command="python manage.py test", compare_seconds=60)
    trial = await made.attempt(
        (await made.test()).results, replace("cart.py", CODE, "sum(prices) + 1", "sum(prices)", "3")
    )
    assert trial.question is not None
    assert trial.question.call.code == "total([])"
