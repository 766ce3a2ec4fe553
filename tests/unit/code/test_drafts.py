"""Drafts of tests: what a model writes is completed from the tests beside it, bounded, and screened."""

import pytest

from activities.code.drafts import Definitions, DraftError, read_drafts
from hydranet.contracts.expectations import DRAFT_CHARACTERS, Expectation, ExpectationKind

BESIDE = Definitions.read(
    [
        "import pytest\nfrom shop.cart import Cart\n\n@pytest.fixture\ndef pen():\n    return 'pen'\n",
        "import datetime as dt\n"
        "PRICE = 3\n\n"
        "@pytest.fixture(scope='module')\ndef cart(pen):\n    cart = Cart(dt.date(2024, 1, 1))\n"
        "    cart.add(pen, PRICE)\n    return cart\n\n"
        "@pytest.fixture\ndef opened():\n    yield 1\n\n"
        "def make(n):\n    return [Cart(None)] * n\n\n"
        "def test_other(cart):\n    assert cart\n",
    ],
    ["import decimal as dec\nimport shop.cart as other\nfrom shop.cart import add\n\ndef total():\n    return 0\n"],
)


def read(code: str) -> Expectation:
    drafts = read_drafts(code, BESIDE, "draft 1")
    assert len(drafts) == 1
    return drafts[0]


def test_a_draft_is_a_set_up_and_a_body() -> None:
    draft = read('def test_issue():\n    """It fails."""\n    cart = Cart(None)\n    assert cart.total() == 0\n')
    assert draft.kind is ExpectationKind.RUNS
    assert draft.source == "draft 1"
    assert draft.setup == "from shop.cart import Cart"
    assert draft.code == "cart = Cart(None)\nassert cart.total() == 0"


def test_the_fixtures_of_the_tests_beside_it_are_called_with_what_they_need() -> None:
    draft = read("def test_issue(cart):\n    assert cart.total() == 3 * PRICE\n")
    lines = draft.setup.split("\n")
    assert lines[:2] == ["from shop.cart import Cart", "import datetime as dt"]
    assert "PRICE = 3" in lines
    assert lines.index("pen = make_pen()") < lines.index("def make_cart():") < lines.index("cart = make_cart()")
    compile(f"def test():\n    {draft.setup.replace(chr(10), f'{chr(10)}    ')}", "draft", "exec")


@pytest.mark.parametrize(
    ("code", "setup"),
    [
        ("from shop.other import Cart\ndef test_a():\n    assert Cart(1)\n", "from shop.other import Cart"),
        ("def test_a():\n    from shop.other import Cart\n    assert Cart(1)\n", "from shop.other import Cart"),
        ("LIMIT = 4\ndef test_a():\n    assert run(LIMIT)\n", "LIMIT = 4"),
        (
            "def count(x):\n    return len(x)\n\ndef test_a():\n    assert count(x)\n",
            "def count(x):\n    return len(x)",
        ),
        (
            "def test_a():\n    assert make(2)\n",
            "from shop.cart import Cart\ndef make(n):\n    return [Cart(None)] * n",
        ),
        ("def test_a():\n    assert total() == dec.Decimal(1)\n", "import decimal as dec"),
        ("import shop.unused\ndef test_a():\n    assert total([])\n", ""),
        ("class TestA:\n    def test_a(self):\n        assert total([])\n", ""),
    ],
)
def test_what_a_draft_uses_comes_from_itself_or_from_beside_it(code: str, setup: str) -> None:
    assert read(code).setup == setup


def test_a_body_alone_is_a_test_too() -> None:
    draft = read("from shop.cart import Cart\ncart = Cart(None)\n\nassert cart.total() == 0\n")
    assert (draft.setup, draft.code) == (
        "from shop.cart import Cart",
        "cart = Cart(None)\n\nassert cart.total() == 0",
    )


def test_an_answer_that_was_cut_ends_at_its_last_whole_line() -> None:
    draft = read(
        "def test_issue():\n    cart = Cart(None)\n    assert cart.total() == 0\n    assert cart.items == [(1,\n"
    )
    assert draft.code.endswith("assert cart.total() == 0")


def test_lines_that_are_not_a_tests_own_are_written_anew() -> None:
    draft = read("def test_issue(): x = '''a\n  b'''; assert f(x)\n")
    assert draft.code == "x = 'a\\n  b'\nassert f(x)"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", "it has no test function"),
        ("total([])", "it has no test function"),
        ("def check():\n    assert f()\n", "it has no test function"),
        ("def test_a(:\n", "it is no Python"),
        ("\0", "it is"),
        ("(" * 3000, "it is"),
        ("def test_a():\n    f()\n", "it asserts nothing"),
        ("def test_a():\n    '''Only words.'''\n", "it asserts nothing"),
        ("def test_a():\n    import shop\n", "it asserts nothing"),
        ("def test_a():\n    assert False\n", "it asserts what has nothing to do with the code"),
        ("def test_a():\n    assert 1 == 2\n", "it asserts what has nothing to do with the code"),
        ("@pytest.mark.skip\ndef test_a():\n    assert f()\n", "its test is decorated"),
        ("def test_a(tmp_path):\n    assert f(tmp_path)\n", "it takes tmp_path, which no fixture"),
        ("def test_a(opened):\n    assert f(opened)\n", "it takes the fixture opened, which yields"),
        ("import os\ndef test_a():\n    assert f(os.environ)\n", "it imports os"),
        ("def test_a():\n    import subprocess as s\n    assert s.run('x')\n", "it imports subprocess"),
        ("from unittest.mock import patch\ndef test_a():\n    assert patch\n", "it imports unittest.mock"),
        ("from shop import *\ndef test_a():\n    assert f()\n    open('x', 'w')\n", "it calls open"),
        ("def test_a():\n    eval('1')\n    assert f()\n", "it calls eval"),
        ("def test_a():\n    assert f.__globals__\n", "it uses __globals__"),
        ("def test_a():\n    raise AssertionError(f())\n", "it raises an error itself"),
        ("def test_a():\n    pytest.skip('x')\n    assert f()\n", "it uses skip"),
        ("import shop\ndef test_a():\n    shop.total = None\n    assert f()\n", "it changes shop"),
        ("import datetime\ndef test_a():\n    assert f(datetime.date.today())\n", "it uses today"),
        ("def test_a():\n" + "    f()\n" * 100 + "    assert f()\n", "it has more than 60 statements"),
        ("def test_a():\n    assert f() == '" + "x" * DRAFT_CHARACTERS + "'\n", "it is longer than"),
        ("def test_a():\n" + "    assert f()\n" * 1000, "it"),
        ("def test_a():\n    assert f() == " + "+".join(["1"] * 2500), "it is too deeply nested"),
    ],
)
def test_what_is_no_test_of_the_code_is_refused(code: str, reason: str) -> None:
    with pytest.raises(DraftError) as raised:
        read_drafts(code, BESIDE, "draft 1")
    assert str(raised.value).startswith(reason)


def test_of_several_tests_those_that_can_be_used_are_kept() -> None:
    tests = ("open('x')\n    assert f()", "assert f(2)", "assert f(3)")
    code = "".join(f"def test_{n}():\n    {test}\n\n" for n, test in enumerate(tests))
    assert [draft.code for draft in read_drafts(code, BESIDE, "draft 1")] == ["assert f(2)", "assert f(3)"]


def test_sources_that_cannot_be_read_have_no_definitions() -> None:
    assert Definitions.read(["def (:", "x = 1"]).nodes.keys() == {"x"}
