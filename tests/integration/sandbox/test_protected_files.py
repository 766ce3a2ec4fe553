"""Which changes a candidate may make: what decides about the target is protected, and what a fix needs is not."""

import functools
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from activities.code.test_helpers import SourceTree
from activities.git.trees import find_python_mentions, list_entries, read_blob, read_links, walk_tree
from activities.git.user_repository import UserRepository
from activities.sandbox.protected_files import ProtectedFiles
from hydranet.contracts import TestResult, TestResults
from hydranet.errors import PatchError
from hydranet.policy.constitution import load_rules

Check = Callable[..., None]

# A shop with everything around it that a repository may have.
SHOP = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\ndependencies = ["attrs"]\n',
    "setup.cfg": "[metadata]\nname = shop\n[flake8]\nmax-line-length = 100\n",
    "package.json": '{"name": "shop", "version": "1", "scripts": {"test": "jest"}}',
    "Makefile": "test:\n\tpython -m pytest\n",
    "src/shop/__init__.py": "from shop.cart import total\n",
    "src/shop/cart.py": "from shop.money import add\ndef total(prices): return add(*prices)\n",
    "src/shop/money.py": "def add(*prices): return 1 + sum(prices)\n",
    "src/shop/testing.py": "from unittest import mock\nfrom shop.cart import total\n",
    "src/shop/fixtures.py": "PRICES = [1, 2]\n",
    "src/shop/plugin.py": "import pytest\nfrom shop import fixtures\n",
    "base_tests.py": "from shop.cart import total\ndef test_total(): assert total([1]) == 1\n",
    "more_tests_base.py": "from base_tests import *\n",
    "cart_helpers.py": "from shop.cart import total\ndef same(a, b): assert a == b\n",
    "support/__init__.py": "",
    "support/fakes.py": "import pytest\n@pytest.fixture\ndef till(): return 1\n",
    "checks/__init__.py": "",
    "checks/conftest_plugin.py": "import pytest\n@pytest.fixture\ndef shelf(): return 1\n",
    "clock_stub.py": "import time\n",
    "tools/report.py": "import clock_stub\nimport shop\n",
    "spec/test_linked.py": "def test_linked(): assert 0\n",
    "golden/prices.json": "{}",
    "tests/conftest.py": 'pytest_plugins = ["checks.conftest_plugin"]\n',
    "tests/test_cart.py": (
        "from base_tests import *\nfrom shop.cart import total\nfrom shop import fixtures, testing\n"
        "import cart_helpers\nimport clock_stub\nfrom support.fakes import till\n"
    ),
    "tests/test_more.py": "from more_tests_base import *\nimport shop.plugin\n",
    "check_money.py": "def test_money(): assert 1\n",
}
LINKS = {"tests/linked.py": "../spec/test_linked.py", "tests/golden": "../golden", "tests/shop": "../src/shop"}
FAILING = ("tests/test_cart.py::test_total", "tests/linked.py::test_linked")


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Checks changes to a repository of one commit; the changes are new texts by path, None for a removed file."""

    def run(
        changes: Mapping[str, str | None],
        files: Mapping[str, str] = SHOP,
        links: Mapping[str, str] = LINKS,
        failing: tuple[str, ...] = FAILING,
        passing: tuple[str, ...] = (),
        command: str = "python -m pytest -q",
    ) -> None:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        for name, target in links.items():
            (tmp_path / name).symlink_to(target)
        for words in (
            ["init", "-q"],
            ["add", "-Af"],
            ["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--allow-empty", "-qm", "a"],
        ):
            subprocess.run(["git", *words], cwd=tmp_path, check=True)
        repository = UserRepository.find(tmp_path)
        commit = repository.resolve_head()
        with repository.open() as folder:
            tree = SourceTree(
                frozenset(entry.path for entry in list_entries(folder, commit)),
                functools.partial(read_blob, folder, commit),
                read_links(folder, walk_tree(folder, commit)),
                functools.partial(find_python_mentions, folder, commit),
            )
            tests = [TestResult(id=name, outcome="failed") for name in failing]
            tests += [TestResult(id=name, outcome="passed") for name in passing]
            results = TestResults(tests=tuple(tests))
            ProtectedFiles(results, command, tree, load_rules(), {"attr", "click"}).check(changes)

    return run


PYTEST_SECTIONS = {
    "pyproject.toml": [
        "[tool.pytest.ini_options]\naddopts = '--co'\n",
        "[tool.pytest]\naddopts = ['--co']\n",
        '[tool . "pytest".ini_options]\naddopts = "--co"\n',
        "[tool]\npytest.ini_options.addopts = '--co'\n",
        "[tool.tox]\nlegacy_tox_ini = ''\n",
    ],
    "setup.cfg": ["[tool:pytest]\naddopts = --co\n", "[pytest]\naddopts = --co\n", "[aliases]\ntest = pytest --co\n"],
}
SETTINGS = [(path, SHOP[path] + text) for path, texts in PYTEST_SECTIONS.items() for text in texts]
SETTINGS += [
    ("pyproject.toml", "tool = {pytest = {ini_options = {addopts = '--co'}}}\n" + SHOP["pyproject.toml"]),
    ("package.json", SHOP["package.json"].replace("jest", "true")),
    ("package.json", SHOP["package.json"].replace("}}", '}, "jest": {"testMatch": []}}')),
    *((name, "[pytest]\naddopts = --co\n") for name in ("tox.ini", "pytest.ini", ".pytest.ini", "src/pytest.ini")),
    *((name, "") for name in ("pytest.toml", ".pytest.toml", "conftest.py", "src/conftest.py", "src/shop/conftest.py")),
    *((name, "") for name in ("jest.config.js", "vitest.config.ts", "web/vite.config.mjs", ".mocharc.json")),
]


@pytest.mark.parametrize(("path", "text"), SETTINGS)
def test_settings_of_a_test_runner_are_kept(check: Check, path: str, text: str) -> None:
    with pytest.raises(PatchError, match=r"settings of a test runner|belongs to the tests"):
        check({path: text})


@pytest.mark.parametrize(
    "path",
    [
        "sitecustomize.py",
        "node_modules/chai/index.js",
        "web/node_modules/.bin/vitest",
        "usercustomize.py",
        "src/sitecustomize.py",
        "src/sitecustomize/__init__.py",
        "evil.pth",
        "src/evil.pth",
        "evil.dist-info/entry_points.txt",
        "src/shop.egg-info/entry_points.txt",
        "lib/a.egg-link",
    ],
)
def test_what_loads_by_itself_is_not_added(check: Check, path: str) -> None:
    with pytest.raises(PatchError, match="loads by itself"):
        check({path: "import os\n"})


@pytest.mark.parametrize(
    "path",
    [
        "pytest.py",
        "src/pytest.py",
        "_pytest/__init__.py",
        "src/_pytest/__init__.py",
        "pluggy/__init__.py",
        "coverage.py",
        "json.py",
        "src/json.py",
        "unittest/__init__.py",
        "typing.py",
        "hydra_inside/__init__.py",
        "hydra_inside.py",
        "click.py",
        "src/attr/__init__.py",
    ],
)
def test_a_new_module_does_not_hide_another(check: Check, path: str) -> None:
    with pytest.raises(PatchError, match="would take the place of the module"):
        check({path: "x = 1\n"})


@pytest.mark.parametrize(
    "command",
    [
        "PYTHONPATH=app pytest",
        "cd app && pytest",
        "python -m unittest discover -s app",
        "python -m unittest discover app",
    ],
)
def test_nor_in_a_folder_that_the_command_names(check: Check, command: str) -> None:
    files = {"app/cart.py": "", "app/test_cart.py": ""}
    with pytest.raises(PatchError, match="the module json"):
        check({"app/json.py": ""}, files, {}, ("test_cart.py::test_a",), command=command)


@pytest.mark.parametrize(
    "path",
    ["base_tests.py", "more_tests_base.py", "cart_helpers.py", "support/fakes.py", "checks/conftest_plugin.py"],
)
def test_a_module_that_only_tests_use_is_kept(check: Check, path: str) -> None:
    with pytest.raises(PatchError, match="which only tests use"):
        check({path: "x = 1\n"})


@pytest.mark.parametrize("path", ["spec/test_linked.py", "golden/prices.json", "tests/test_more.py", "tests/new.py"])
def test_what_tests_reach_by_links_is_kept(check: Check, path: str) -> None:
    with pytest.raises(PatchError, match=r"belongs to the tests"):
        check({path: "x = 1\n"})


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("make test", "Makefile"),
        ("CI=1 make -k test", "Makefile"),
        ("sh ci/check.sh", "ci/check.sh"),
        ("./run_tests.py", "run_tests.py"),
        ("nox -s tests", "noxfile.py"),
    ],
)
def test_files_that_tell_the_command_what_to_test_are_kept(check: Check, command: str, path: str) -> None:
    with pytest.raises(PatchError, match="belongs to the tests"):
        check({path: "x = 1\n"}, {**SHOP, path: "y = 1\n"}, command=command)


@pytest.mark.parametrize(
    "name", ["tests.test_cart.CartTest.test_a", "test_cart.CartTest.test_a", "spec/test_cart.py::t"]
)
def test_ids_of_every_runner_name_their_files(check: Check, name: str) -> None:
    files = {"cart.py": "", "tests/test_cart.py": "", "spec/test_cart.py": "", "test_other.py": ""}
    path = "spec/test_cart.py" if "::" in name else "tests/test_cart.py"
    with pytest.raises(PatchError, match="belongs to the tests"):
        check({path: ""}, files, {}, (name,))
    check({"cart.py": "x = 1\n"}, files, {}, (name,))


def test_a_test_that_passes_is_kept_too(check: Check) -> None:
    files = {"cart.py": "", "test_cart.py": "", "test_other.py": ""}
    with pytest.raises(PatchError, match=r"test_other\.py, which belongs to the tests"):
        check({"test_other.py": ""}, files, {}, ("test_cart.py::a",), ("test_other.py::b",))


# What fixes of real projects do.
FIXES: list[dict[str, str | None]] = [
    {"src/shop/money.py": "def add(*prices): return sum(prices)\n"},
    {"src/shop/cart.py": None, "src/shop/basket.py": "x = 1\n"},
    {"src/shop/json.py": "x = 1\n"},
    {"src/shop/types/__init__.py": "x = 1\n"},
    {"src/stock/__init__.py": "", "src/stock/queue.py": "x = 1\n"},
    {"rates.py": "x = 1\n"},
    {"pyproject.toml": SHOP["pyproject.toml"].replace("attrs", "attrs>=22") + "[tool.ruff]\nline-length = 100\n"},
    {"setup.cfg": SHOP["setup.cfg"].replace("100", "120")},
    {"package.json": SHOP["package.json"].replace('"1"', '"2"')},
    {"Makefile": "test:\n\ttrue\n"},
    {"src/shop/testing.py": "x = 1\n"},
    {"src/shop/fixtures.py": "x = 1\n"},
    {"src/shop/plugin.py": "x = 1\n"},
    {"clock_stub.py": "x = 1\n"},
    {"check_money.py": "x = 1\n"},
    {"requirements.txt": "attrs\n", "CHANGELOG.md": "a\n", "docs/conf.py": "x = 1\n"},
]


@pytest.mark.parametrize("changes", FIXES, ids=[" ".join(fix) for fix in FIXES])
def test_a_fix_may_change_the_program_and_what_is_around_it(check: Check, changes: dict[str, str | None]) -> None:
    check(changes)


@pytest.mark.parametrize(
    ("files", "path"),
    [
        # The module under test is most often imported by its tests alone.
        ({"solution.py": "def f(): return 1\n", "test_solution.py": "from solution import *\n"}, "solution.py"),
        (
            {"src/kit/helpers.py": "", "src/kit/__init__.py": "", "test_a.py": "import kit.helpers\n"},
            "src/kit/helpers.py",
        ),
        ({"mocks.py": "import unittest\n", "test_mocks.py": "import mocks\n"}, "mocks.py"),
        # A client whose method is called test_connection, and a library for tests.
        (
            {
                "db.py": "class Db:\n    def test_connection(self): pass\n",
                "app.py": "",
                "test_db.py": "from db import Db\nimport app\n",
            },
            "db.py",
        ),
        (
            {
                "pyproject.toml": "[project.entry-points.pytest11]\nkit = 'pytest_kit'\n",
                "pytest_kit.py": "import pytest\nimport kit\n",
                "kit.py": "",
                "tests/conftest.py": 'pytest_plugins = ["pytest_kit"]\n',
                "tests/test_kit.py": "import kit\n",
            },
            "pytest_kit.py",
        ),
        # A helper that the program uses as well.
        (
            {
                "fake_clock.py": "import time\n",
                "app.py": "import fake_clock\n",
                "tests/test_app.py": "import app, fake_clock\n",
            },
            "fake_clock.py",
        ),
        # A link by which tests import the program.
        ({"code/app.py": "", "tests/test_app.py": "import app\n"}, "code/app.py"),
    ],
    ids=["star import", "helpers of a package", "a program named mocks", "a client", "a plugin", "both", "link"],
)
def test_the_program_is_no_helper(check: Check, files: Mapping[str, str], path: str) -> None:
    test = next(name for name in files if "test_" in name and name.endswith(".py") and name != path)
    links = {"tests/app.py": "../code/app.py"} if "code/app.py" in files else {}
    check({path: "x = 1\n"}, files, links, (f"{test}::test_a",))


# A program with its tests in the same file: doctests, functions of pytest, a class of unittest.
DOCTESTS = {
    "price.py": """
def discount(quantity):
    \"\"\"Ten per cent from ten pieces on.

    >>> discount(10)
    0.1
    \"\"\"
    if quantity > 10:
        return 0.1
    return 0.0
"""
}
SAME_FILE = {
    "price.py": """
import unittest

EXPECTED = {9: 0.0, 10: 0.1}
LEAST = 10

def discount(quantity):
    return 0.1 if quantity > LEAST else 0.0

def check_discount(quantity):
    assert discount(quantity) == EXPECTED[quantity]

def test_boundary():
    check_discount(10)

class Prices(unittest.TestCase):
    def test_few(self): self.assertEqual(discount(9), 0.0)

if __name__ == "__main__":
    unittest.main()
"""
}


@pytest.mark.parametrize(
    ("files", "failing", "old", "new"),
    [
        (DOCTESTS, "price.py::price.discount", "quantity > 10", "quantity >= 10"),
        (DOCTESTS, "price.py::price.discount", "Ten per cent from ten", "A tenth from ten"),
        (SAME_FILE, "price.py::test_boundary", "> LEAST", ">= LEAST"),
        (SAME_FILE, "price.py::test_boundary", "LEAST = 10", "LEAST = 9\nMORE = 1"),
    ],
)
def test_the_program_beside_its_tests_may_be_changed(
    check: Check, files: dict[str, str], failing: str, old: str, new: str
) -> None:
    assert old in files["price.py"]
    check({"price.py": files["price.py"].replace(old, new)}, files, {}, (failing,))


@pytest.mark.parametrize(
    ("files", "failing", "old", "new"),
    [
        (DOCTESTS, "price.py::price.discount", '    0.1\n    "', '    0.0\n    "'),
        (DOCTESTS, "price.py::price.discount", ">>> discount(10)", ">>> discount(10)  # doctest: +SKIP"),
        (DOCTESTS, "price.py::price.discount", "    >>> discount(10)", "    >>> discount = {10: 0.1}.get"),
        (DOCTESTS, "price.py::price.discount", "\ndef discount", "\n__test__ = {}\n\ndef discount"),
        (SAME_FILE, "price.py::test_boundary", "check_discount(10)", "check_discount(11)"),
        (SAME_FILE, "price.py::test_boundary", "10: 0.1", "10: 0.0"),
        (SAME_FILE, "price.py::test_boundary", "    assert discount", "    return discount"),
        (SAME_FILE, "price.py::test_boundary", "self.assertEqual(discount(9), 0.0)", "pass"),
        (SAME_FILE, "price.py::test_boundary", "unittest.main()", "print('ok')"),
        (SAME_FILE, "price.py::test_boundary", "\nclass Prices", "\ntest_boundary = print\n\nclass Prices"),
        (SAME_FILE, "price.py::test_boundary", "\nclass Prices", "\npytestmark = ()\n\nclass Prices"),
        (SAME_FILE, "price.py::test_boundary", "class Prices", "class Prices("),
    ],
)
def test_the_tests_beside_their_program_are_kept(
    check: Check, files: dict[str, str], failing: str, old: str, new: str
) -> None:
    assert old in files["price.py"]
    with pytest.raises(PatchError, match=r"price\.py, which belongs to the tests|its tests cannot be told"):
        check({"price.py": files["price.py"].replace(old, new)}, files, {}, (failing,))


@pytest.mark.parametrize("path", ["checks.py", "notes.txt", "test_price.py"])
def test_a_file_that_only_tests_is_kept_whole(check: Check, path: str) -> None:
    files = {"price.py": "def discount(n): return n\n", path: "from price import discount\n\ndef test_a(): assert 0\n"}
    with pytest.raises(PatchError, match="belongs to the tests"):
        check({path: files[path] + "x = 1\n"}, files, {}, (f"{path}::test_a",))


PRICE = "def discount(n): return n\n"
CHECKS = {"price.py": PRICE, "check.py": "from price import discount\nassert discount(1) == 2\n"}
CART = "def total(price):\n    '''\n    >>> total(1)\n    1\n    '''\n    return price\n"


@pytest.mark.parametrize(
    ("command", "files", "path", "old", "new"),
    [
        ("python -m doctest price.py", DOCTESTS, "price.py", "    0.1\n", "    0.0\n"),
        ("python check.py", CHECKS, "check.py", "== 2", "== 1"),
        ("python price.py", SAME_FILE, "price.py", "unittest.main()", "pass"),
    ],
)
def test_the_tests_in_a_file_that_the_command_names_are_kept(
    check: Check, command: str, files: dict[str, str], path: str, old: str, new: str
) -> None:
    with pytest.raises(PatchError, match="belongs to the tests"):
        check({path: files[path].replace(old, new, 1)}, files, {}, (command,), command=command)


def test_a_program_that_the_command_names_may_be_changed(check: Check) -> None:
    command = "python -m doctest price.py"
    check({"price.py": DOCTESTS["price.py"].replace("> 10", ">= 10")}, DOCTESTS, {}, (command,), command=command)


def test_a_program_beside_an_example_that_passes_may_be_changed_and_the_example_is_kept(check: Check) -> None:
    failing, passing = ("price.py::price.discount",), ("cart.py::cart.total",)
    files = {**DOCTESTS, "cart.py": CART}
    check({"cart.py": CART.replace("return price", "return price + 0")}, files, {}, failing, passing)
    with pytest.raises(PatchError, match=r"the examples of total in cart\.py, which belongs to the tests"):
        check({"cart.py": CART.replace("    1\n", "    2\n")}, files, {}, failing, passing)
