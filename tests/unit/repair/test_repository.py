"""Repairs made of what other files of the repository say."""

import ast
from collections.abc import Callable

import pytest

from activities.localisation.vocabulary import Vocabulary
from activities.repair import families as f

Repairs = Callable[..., list[str]]

CASES = [
    # family, code, what another file says, (what is wrong, what it becomes)
    pytest.param(
        f.STATEMENT,
        "def leave(room, guest):\n    room.guests.remove(guest)\n",
        "def enter(room, guest):\n    room.guests.append(guest)\n    room.changed.append(guest)\n",
        ("remove(guest)\n", "remove(guest)\n    room.changed.append(guest)\n"),
        id="a statement of similar code",
    ),
    pytest.param(
        f.STATEMENT,
        "def total(order):\n    return sum(order.lines)\n",
        "def count(order):\n    if order.cancelled:\n        return 0\n    return len(order.lines)\n",
        ("    return sum", "    if order.cancelled:\n        return 0\n    return sum"),
        id="a guard of similar code",
    ),
    pytest.param(
        f.OPERAND,
        "def label(article):\n    return article.title\n",
        "class Article:\n    def __init__(self, name):\n        self.titles = name\n",
        ("article.title", "article.titles"),
        id="an attribute that a class elsewhere defines",
    ),
    pytest.param(
        f.CALL,
        "from shop.tax import gross, net\n\n\ndef price(amount):\n    return net(amount)\n",
        "def gross(amount):\n    return amount * 2\n\n\ndef net(amount):\n    return amount\n",
        ("return net", "return gross"),
        id="another imported function",
    ),
    pytest.param(
        f.CALL,
        "from shop.tax import gross\n\n\ndef price(amount):\n    return gross(amount, rat=2)\n",
        "def gross(amount, rate=1):\n    return amount * rate\n",
        ("rat=2", "rate=2"),
        id="the keyword of an imported function",
    ),
    pytest.param(
        f.CALL,
        "from shop.tax import gross\n\n\ndef price(amount, rate):\n    return gross(amount, rate)\n",
        "def gross(amount, digits=2, rate=1):\n    return amount * rate\n",
        ("gross(amount, rate)", "gross(amount, rate=rate)"),
        id="a keyword for a place",
    ),
    pytest.param(
        f.CALL,
        "from shop.tax import gross\n\n\ndef price(amount):\n    return gross(amount)\n",
        "def gross(amount, rounded=True):\n    return amount\n",
        ("gross(amount)", "gross(amount, rounded=False)"),
        id="a flag other than it is by itself",
    ),
    pytest.param(
        f.CALL,
        "from shop.tax import gross\n\n\ndef price(amount, rate):\n    return gross(amount)\n",
        "def gross(amount, rate=1):\n    return amount * rate\n",
        ("gross(amount)", "gross(amount, rate=rate)"),
        id="an argument that is not handed on",
    ),
    pytest.param(
        f.VALUE,
        "def read(text):\n    return text['colour']\n",
        "def write(text):\n    text['color'] = 1\n",
        ("colour", "color"),
        id="a key as it is written elsewhere",
    ),
]


@pytest.mark.parametrize(("family", "code", "elsewhere", "change"), CASES)
def test_the_repair_is_made_of_what_stands_elsewhere(
    repairs: Repairs, family: f.Family, code: str, elsewhere: str, change: tuple[str, str]
) -> None:
    before, after = change
    assert code.count(before) == 1
    wanted = code.replace(before, after)
    assert wanted in repairs(code, family, elsewhere=elsewhere)
    assert wanted not in repairs(code, family)


def test_a_condition_of_similar_code_in_the_file_is_asked_for_too(repairs: Repairs) -> None:
    code = (
        "def count(rows, day):\n    return len([row for row in rows if row.until >= day])\n\n\n"
        "def take(rows, left, day):\n    for row in rows:\n        if left > 0:\n            row.until = left - day\n"
    )
    wanted = code.replace("if left > 0:", "if left > 0 and row.until >= day:")
    assert wanted in repairs(code, f.GUARD, "take")


def test_the_greater_of_the_same_attribute_of_two_objects(repairs: Repairs) -> None:
    code = "def join(a, b):\n    a.seen = b.end\n    return Span(a.start, b.end, a.end)\n"
    wanted = code.replace("a.start, b.end", "a.start, max(a.end, b.end)")
    assert wanted in repairs(code, f.WRAPPING)


def test_a_method_of_the_object_is_called(repairs: Repairs) -> None:
    code = (
        "class Cart:\n"
        "    def recount(self):\n        self.n = len(self.lines)\n\n"
        "    def add(self, line):\n        self.lines.append(line)\n"
    )
    wanted = code.replace("append(line)\n", "append(line)\n        self.recount()\n")
    assert wanted in repairs(code, f.STATEMENT, "Cart.add")


def test_what_the_class_holds_for_all_becomes_the_instance_s(repairs: Repairs) -> None:
    code = "class Cart:\n    lines = []\n    size = 3\n\n    def __init__(self, owner):\n        self.owner = owner\n"
    wanted = code.replace("    lines = []\n", "").replace("owner):\n", "owner):\n        self.lines = []\n")
    assert wanted in repairs(code, f.VALUE, "Cart")


def test_the_vocabulary_knows_how_functions_and_classes_are_called() -> None:
    code = (
        "class Line:\n    article: str\n    quantity: int\n\n\n"
        "class Cart:\n    def __init__(self, owner, *, size=3):\n        self.lines = []\n\n"
        "    def add(self, line):\n        self.last: int = line\n"
    )
    known = Vocabulary.from_trees([ast.parse(code)])
    assert known.signatures == {
        "Line": ("article", "quantity"),
        "Cart": ("owner", "size"),
        "__init__": ("owner", "size"),
        "add": ("line",),
    }
    assert set(known.members) == {"article", "quantity", "lines", "add", "last"}
