"""The patterns in which attempts loop, each built from diffs and raw test output as in production.

24 patterns and a variation of each with other files, sizes, error texts and windows. Dead means above the
threshold by the last attempt, alive means at or below it throughout.
"""

import traceback
from itertools import pairwise

import pytest

from hydranet import patches
from hydranet.convergence import reaper
from hydranet.convergence.error_signature import extract_signature
from hydranet.convergence.score import Attempt, Command, Score, find_best, score_attempt
from hydranet.patches import Patch
from hydranet.run_settings import ConvergenceSettings

DEFAULTS = ConvergenceSettings()

CART = '''"""The shopping cart."""

from dataclasses import dataclass, field

from shop import tax


@dataclass
class Item:
    name: str
    price: str
    amount: int = 1


@dataclass
class Cart:
    items: list[Item] = field(default_factory=list)
    rebate: float = 0.0

    def add(self, item):
        if item.amount < 0:
            raise ValueError(f"negative amount: {item.amount}")
        self.items.append(item)
        return self

    def remove(self, name):
        kept = [item for item in self.items if item.name != name]
        self.items = kept
        return self

    def find(self, name):
        for item in self.items:
            if item.name == name:
                return item
        return None

    def count(self):
        total = 0
        for item in self.items:
            total = total + item.amount
        return total

    def total(self):
        total = 0
        for item in self.items:
            price = item.price
            total = total + price * item.amount
        reduced = total - total * self.rebate
        return tax.add(reduced)

    def report(self):
        lines = []
        for item in self.items:
            lines.append(f"{item.name}: {item.price}")
        return "\\n".join(lines)
'''
TAX = '''"""Taxes."""

RATES = {"food": 7, "other": 19}


def rate(kind):
    return RATES[kind]


def add(amount, kind="other"):
    percent = rate(kind)
    return amount + amount * percent / 100


def strip(amount, kind="other"):
    percent = rate(kind)
    return amount / (1 + percent / 100)
'''
STORE = '''"""Keeps carts."""

import json


class Store:
    def __init__(self, path):
        self.path = path
        self.cache = {}

    def load(self, name):
        with open(self.path / name) as file:
            data = json.load(file)
        self.cache[name] = data
        return data

    def save(self, name, data):
        with open(self.path / name, "w") as file:
            json.dump(data, file)
        self.cache.pop(name, None)
'''
FILES = {"shop/cart.py": CART, "shop/tax.py": TAX, "shop/store.py": STORE}


def edit(path: str, *replacements: tuple[str, str]) -> str:
    """The unified diff that replaces pieces of a file; each piece must be there."""
    text = FILES[path]
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    return patches.make_diff(path, FILES[path], text)


def failure(
    error: str = "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    *,
    path: str = "shop/cart.py",
    line: int = 47,
    function: str = "total",
    test: str = "test_total",
) -> str:
    """What pytest prints for one failing test whose error is raised in the repository."""
    kind = error.partition(":")[0]
    return f"""\
============================= test session starts ==============================
platform linux -- Python 3.12.1, pytest-9.0.0, pluggy-1.6.0
rootdir: /work
collected 4 items

tests/test_cart.py F...                                                  [100%]

=================================== FAILURES ===================================
__________________________________ {test} ___________________________________

    def {test}():
        cart = Cart().add(Item("tea", "3"))
>       assert cart.total() == 3.57
               ^^^^^^^^^^^^

tests/test_cart.py:12:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _

self = Cart(items=[Item(name='tea', price='3', amount=1)], rebate=0.0)

    def {function}(self):
>       work(self)
E       {error}

{path}:{line}: {kind}
=========================== short test summary info ============================
FAILED tests/test_cart.py::{test} - {error[:40]}...
========================= 1 failed, 3 passed in 0.1{line}s =========================
"""


def wrong_value(got: str, line: int = 12, code: str = "assert cart.total() == 3.57") -> str:
    """What pytest prints for a failing assertion."""
    return f"""\
=================================== FAILURES ===================================
__________________________________ test_total __________________________________

    def test_total():
        cart = Cart().add(Item("tea", "3"))
>       {code}
E       assert {got} == 3.57
E        +  where {got} = total()

tests/test_cart.py:{line}: AssertionError
=========================== short test summary info ============================
FAILED tests/test_cart.py::test_total - assert {got} == 3.57
"""


def broken_import(module: str) -> str:
    """What pytest prints when a test module cannot be imported."""
    return f"""\
==================================== ERRORS ====================================
_____________________ ERROR collecting tests/test_cart.py ______________________
ImportError while importing test module '/work/tests/test_cart.py'.
Traceback:
/usr/lib/python3.12/importlib/__init__.py:90: in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
tests/test_cart.py:3: in <module>
    from shop.cart import Cart
shop/cart.py:5: in <module>
    import {module}
E   ModuleNotFoundError: No module named '{module}'
=========================== short test summary info ============================
ERROR tests/test_cart.py
!!!!!!!!!!!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!!!!!!!!!!!
"""


SYNTAX = """\
_____________________ ERROR collecting tests/test_cart.py ______________________
tests/test_cart.py:3: in <module>
    from shop.cart import Cart
E     File "/work/shop/cart.py", line 47
E       price = float(item.price
E                    ^
E   SyntaxError: '(' was never closed
"""


def attempt(
    diff: str = "",
    output: str | None = None,
    failing: str = "tests/test_cart.py::test_total",
    commands: tuple[Command, ...] = (),
    *,
    infrastructure: bool = False,
) -> Attempt:
    names = tuple(failing.split())
    return Attempt(
        patch=patches.parse_diff(diff),
        error=extract_signature(failure() if output is None else output),
        failing_tests=names,
        failing_count=len(names),
        commands=commands,
        infrastructure=infrastructure,
    )


def values(attempts: list[Attempt], settings: ConvergenceSettings = DEFAULTS) -> list[float]:
    return [score_attempt(attempts[:count], settings).value for count in range(1, len(attempts) + 1)]


def died_at(attempts: list[Attempt], settings: ConvergenceSettings = DEFAULTS) -> int | None:
    """The attempt at which the Reaper ends the branch, None while it is alive."""
    for count in range(1, len(attempts) + 1):
        past = attempts[:count]
        if reaper.judge(past, score_attempt(past, settings), settings):
            return count
    return None


# --- patches that resemble each other (P), and others that do not -------------------------------------------

SPIRAL = [
    edit("shop/cart.py", ("            price = item.price\n", "            price = float(item.price)\n")),
    edit(
        "shop/cart.py",
        (
            "            price = item.price\n            total = total + price * item.amount\n",
            "            price = float(item.price or 0)\n            total = total + float(price) * item.amount\n",
        ),
    ),
    edit(
        "shop/cart.py",
        (
            "        for item in self.items:\n            price = item.price\n"
            "            total = total + price * item.amount\n        reduced",
            "        for item in list(self.items):\n            price = float(item.price or 0)\n"
            "            total = float(total) + float(price) * item.amount\n        reduced",
        ),
    ),
]
RATE_SPIRAL = [
    edit("shop/tax.py", ("    return RATES[kind]\n", f"    return {code}\n"))
    for code in ("RATES.get(kind)", "RATES.get(kind, 0)", "RATES.get(str(kind), 0)")
]
GUARD_SPIRAL = [
    edit("shop/store.py", ("            data = json.load(file)\n", f"            data = json.load(file)\n{guard}"))
    for guard in (
        "        if data is None:\n            data = {}\n",
        "        if not data:\n            data = {}\n",
        "        if not data:\n            data = dict()\n            self.cache = {}\n",
    )
]
REWRITES = [
    edit(
        "shop/cart.py",
        (
            "        total = 0\n        for item in self.items:\n            price = item.price\n"
            "            total = total + price * item.amount\n        reduced = total - total * self.rebate\n",
            body,
        ),
    )
    for body in (
        "        prices = [float(item.price) * item.amount for item in self.items]\n        total = sum(prices)\n"
        "        reduced = total * (1 - self.rebate)\n",
        "        prices = [float(item.price) for item in self.items]\n        total = sum(prices)\n"
        "        reduced = total * (1 - self.rebate)\n",
        "        values = [float(item.price) * item.amount for item in self.items]\n        total = sum(values)\n"
        "        reduced = total - total * self.rebate\n",
    )
]
UNLIKE = [
    edit("shop/cart.py", ("            price = item.price\n", "            price = float(item.price)\n")),
    edit(
        "shop/tax.py",
        (
            "    percent = rate(kind)\n    return amount +",
            "    amount = float(amount)\n    percent = rate(kind)\n    return amount +",
        ),
    ),
    edit(
        "shop/store.py",
        (
            "        self.cache[name] = data\n",
            "        data['items'] = [dict(i) for i in data['items']]\n        self.cache[name] = data\n",
        ),
    ),
]
UNLIKE_IN_ONE_FILE = [
    edit("shop/cart.py", ("        if item.amount < 0:\n", "        if item.amount <= 0:\n")),
    edit("shop/cart.py", ("            total = total + item.amount\n", "            total += int(item.amount)\n")),
    edit("shop/cart.py", ("        return tax.add(reduced)\n", "        return round(tax.add(reduced), 2)\n")),
]
SAME_GUARD = "        if not self.items:\n            return None\n"
SAME_GUARD_ELSEWHERE = [
    edit("shop/cart.py", (f"    def {name}:\n", f"    def {name}:\n{SAME_GUARD}"))
    for name in ("find(self, name)", "total(self)", "report(self)")
]
SHUFFLED = [
    edit(
        "shop/cart.py",
        (
            "        total = 0\n        for item in self.items:\n            price",
            f"{''.join(lines)}        for item in self.items:\n            price",
        ),
    )
    for lines in (
        (
            "        total = 0.0\n",
            "        rate = tax.rate('other')\n",
            "        seen = set()\n",
            "        rebate = float(self.rebate)\n",
        ),
        (
            "        rate = tax.rate('other')\n",
            "        seen = set()\n",
            "        rebate = float(self.rebate)\n",
            "        total = 0.0\n",
        ),
        (
            "        rebate = float(self.rebate)\n",
            "        total = 0.0\n",
            "        rate = tax.rate('other')\n",
            "        seen = set()\n",
        ),
    )
]
RENAMED = [
    edit(
        "shop/tax.py",
        (
            "    percent = rate(kind)\n    return amount / (1 + percent / 100)\n",
            f"    {name} = rate(kind)\n    if {name} is None:\n        {name} = 0\n"
            f"    return amount / (1 + {name} / 100)\n",
        ),
    )
    for name in ("share", "value", "tax_rate")
]
REQUIRED = [
    edit(
        "shop/store.py",
        ("            data = json.load(file)\n", f"            data = {{{keys}, **json.load(file)}}\n"),
    )
    for keys in ('"owner": None', '"owner": None, "currency": "EUR"', '"owner": None, "currency": "EUR", "tax-id": ""')
]
NEW_METHOD = (
    "    def clear(self):\n        for item in list(self.items):\n            self.remove(item.name)\n"
    "        return self\n\n"
)
METHOD_MOVED = [
    edit("shop/cart.py", (f"    def {name}:\n", f"{NEW_METHOD}    def {name}:\n"))
    for name in ("add(self, item)", "find(self, name)", "total(self)")
]
REVERT = edit("shop/cart.py")
UNDO = patches.make_diff("shop/cart.py", CART.replace("price = item.price", "price = float(item.price)"), CART)


def noisy(number: int) -> str:
    """The same error with another line, address, temporary path, duration and process each time."""
    return failure(
        f"ValueError: <shop.cart.Cart object at 0x7f3{number}a9c{number}04e0> could not be read from "
        f"/tmp/pytest-of-root/pytest-{number}/test_total0/cart-{number}f3b.json by pid {4000 + 17 * number} "
        f"after {number}.{number}7s",
        line=40 + number,
    )


def carried(value: str) -> str:
    """The same error with another quoted value after more than 80 characters."""
    known = "cannot combine the running total of the cart with the amount that its invoice line carries"
    return failure(f"TypeError: {known}: {value!r}")


def replace(old: str, *news: str) -> list[str]:
    """The texts of the cart in which a piece is replaced by each of others."""
    assert CART.count(old) == 1
    return [CART.replace(old, new) for new in news]


def compiled(text: str, *, placed: bool = True) -> str:
    """What importing the cart prints, whose text is no Python."""
    try:
        compile(text, "/work/shop/cart.py", "exec")
    except SyntaxError as error:
        quoted = "".join(traceback.format_exception_only(error))
        return quoted if placed else f"E   {type(error).__name__}: {error.msg} (cart.py, line {error.lineno})\n"
    raise AssertionError("This compiles.")


def from_base(texts: list[str], **style: bool) -> list[Attempt]:
    """Attempts whose patches all start from the same state."""
    return [
        attempt(patches.make_diff("shop/cart.py", CART, t), compiled(t, **style), "tests/test_cart.py") for t in texts
    ]


def step_by_step(texts: list[str], **style: bool) -> list[Attempt]:
    """Attempts of which each starts from what the one before it made."""
    return [
        attempt(patches.make_diff("shop/cart.py", old, new), compiled(new, **style), "tests/test_cart.py")
        for old, new in pairwise([CART, *texts])
    ]


LOOP = """\
        for item in self.items:
            price = item.price
            total = total + price * item.amount
        reduced"""
# Three colons are missing; each text has one of them more.
COLONS = replace(
    LOOP,
    *(
        f"""\
        for item in self.items{first}
            if item.price is None{second}
                continue
            if item.amount is None{third}
                continue
            total = total + float(item.price) * item.amount
        reduced"""
        for first, second, third in (("", "", ""), (":", "", ""), (":", ":", ""))
    ),
)
GUARDED = "        if not self.items{}\n            return None\n"
# The same colon is missing in three methods.
METHODS = [
    CART.replace(
        "        for item in self.items:\n            if item.name",
        f"{GUARDED.format(first)}        for item in self.items:\n            if item.name",
    )
    .replace(
        "        total = 0\n        for item in self.items:\n            price",
        f"{GUARDED.format(second)}        total = 0\n        for item in self.items:\n            price",
    )
    .replace("        lines = []\n", f"{GUARDED.format('')}        lines = []\n")
    for first, second in (("", ""), (":", ""), (":", ":"))
]
BRACKETS = [
    CART.replace("from shop import tax\n", f"from shop import tax\n{lines}").replace(
        "            price = item.price\n", f"            {code}\n"
    )
    for lines, code in (
        ("", "price = float(item.price"),
        ("import math\n", "price = float(item.price or 0"),
        ("import math\n\nCENTS = 100\n", "price = float(item.price or 0.0"),
    )
]
RENAMED_BRACKETS = replace(
    "            price = item.price\n            total = total + price * item.amount\n        reduced",
    *(
        f"            {name} = float(item.price\n            total = total + {name} * item.amount\n        reduced"
        for name in ("price", "cost", "value")
    ),
)


GUARD = "        if self.items is None:\n            return 0\n"
LOOK = "        print(self.items)\n"
RENAMED_GUARD = GUARD.replace("self.items", "self.goods")
LONG_TABLE = "LIMITS = {\n" + "".join(f"    {number}: {number * 7},\n" for number in range(12)) + "}\n"
# Edits around the guard, the first of which moves it.
AROUND = [
    ("from shop import tax\n", f"from shop import tax\n\n{LONG_TABLE}"),
    ("        return None\n", "        raise KeyError(name)\n"),
    ("        return tax.add(reduced)\n", "        return round(tax.add(reduced), 2)\n"),
    ("    amount: int = 1\n", "    amount: float = 1.0\n"),
    ('        return "\\n".join(lines)\n', '        return ", ".join(lines)\n'),
]


def guards(*steps: str | None) -> list[str]:
    """The texts of a branch that puts a guard into `total` or takes it out, and with None edits something else."""
    texts, others, guard = list[str](), 0, ""
    for step in steps:
        others, guard = (others + 1, guard) if step is None else (others, step)
        text = CART.replace(
            "        total = 0\n        for item in self.items:\n            price",
            f"{guard}        total = 0\n        for item in self.items:\n            price",
        )
        for old, new in AROUND[:others]:
            assert old in text
            text = text.replace(old, new, 1)
        texts.append(text)
    return texts


def invert(diff: str) -> str:
    """The diff that takes back a diff of the cart."""
    text = patches.apply_diff(diff, FILES.get)["shop/cart.py"]
    return patches.make_diff("shop/cart.py", text, CART)


def stuck(texts: list[str]) -> list[Attempt]:
    """Attempts that lead from text to text and fail alike."""
    return [attempt(patches.make_diff("shop/cart.py", old, new)) for old, new in pairwise([CART, *texts])]


def with_more(attempts: list[Attempt]) -> list[Attempt]:
    """The same attempts, each of which edits a line of another file too."""
    more = [
        patches.parse_diff(edit("shop/store.py", (line, line.replace("data", f"data_{number}"))))
        for number, line in enumerate(
            (
                "            data = json.load(file)\n",
                "        self.cache[name] = data\n",
                "        return data\n",
                "            json.dump(data, file)\n",
            )
        )
    ]
    return [
        own.model_copy(update={"patch": Patch(edits=(*own.patch.edits, *other.edits))})
        for own, other in zip(attempts, more, strict=False)
    ]


# --- the verdicts -------------------------------------------------------------------------------------------

DEAD: dict[str, tuple[list[Attempt], int]] = {
    "1 the death spiral": ([attempt(diff, failure(line=47 + n)) for n, diff in enumerate(SPIRAL)], 3),
    "1v one line, another file and error": (
        [attempt(d, failure("KeyError: 'kind'", path="shop/tax.py", line=7, function="rate")) for d in RATE_SPIRAL],
        3,
    ),
    "1v inserted guards": ([attempt(d, failure(path="shop/store.py", function="load")) for d in GUARD_SPIRAL], 3),
    "1v the whole function rewritten": ([attempt(d, wrong_value(f"{n}.5")) for n, d in enumerate(REWRITES)], 3),
    "3 identical": ([attempt(SPIRAL[0]), attempt(SPIRAL[0])], 2),
    "3v identical but for a comment and spaces": (
        [
            attempt(RATE_SPIRAL[1]),
            attempt(
                RATE_SPIRAL[1].replace("+    return RATES.get(kind, 0)", "+    return RATES.get(kind,0)  # now safe")
            ),
        ],
        2,
    ),
    "4 no-op edits": ([attempt(SPIRAL[0]), attempt(""), attempt("")], 3),
    "4v comments and blank lines only": (
        [
            attempt(RATE_SPIRAL[0]),
            attempt(edit("shop/tax.py", ("def add(", "# The kind may be unknown.\ndef add("))),
            attempt(edit("shop/tax.py", ("    percent = rate(kind)\n", "    percent = rate(kind)\n\n"))),
        ],
        3,
    ),
    "5 no patch could be produced": ([attempt("", "", "") for _ in range(3)], 3),
    "5v no patch after a first one": ([attempt(SPIRAL[0]), attempt("", "", ""), attempt("", "", "")], 3),
    "6 alternation": ([attempt(UNLIKE[n % 2]) for n in range(4)], 4),
    "6v alternation of two variations each": (
        [attempt(d, noisy(n)) for n, d in enumerate((SPIRAL[0], GUARD_SPIRAL[0], SPIRAL[1], GUARD_SPIRAL[1]))],
        4,
    ),
    "6v a cycle of three": ([attempt(UNLIKE[n % 3]) for n in range(6)], 4),
    "10 noise in the message": ([attempt(d, noisy(n)) for n, d in enumerate(SPIRAL)], 3),
    "10v noise in an assertion": (
        [attempt(d, wrong_value(f"{n}.{n}3", line=12 + n)) for n, d in enumerate(RATE_SPIRAL)],
        3,
    ),
    "11 another quoted value at the end": (
        [attempt(d, carried(v)) for d, v in zip(SPIRAL, ("3", "three", "3 EUR (net)"), strict=True)],
        3,
    ),
    "11v quoted values and numbers in the middle": (
        [
            attempt(
                d, failure(f"ValueError: line {n} of 'cart-{n}' holds {n * 7} prices, such as \"{n} EUR\"; expected 1")
            )
            for n, d in enumerate(GUARD_SPIRAL, 3)
        ],
        3,
    ),
    "20 edit and revert": ([attempt(d) for d in (SPIRAL[0], UNDO, SPIRAL[0], UNDO)], 4),
    "20v edit and back to nothing": ([attempt(d, noisy(n)) for n, d in enumerate((RATE_SPIRAL[0], REVERT) * 2)], 4),
    "20v each with its own error": (
        [
            attempt(d, failure(e))
            for d, e in zip(
                (SPIRAL[0], UNDO) * 2, ("ValueError: not a number", "TypeError: not a string") * 2, strict=True
            )
        ],
        4,
    ),
    "22v a bracket that stays open, in lines that move": (from_base(BRACKETS), 3),
    "22v a bracket that stays open, step by step": (step_by_step(BRACKETS), 3),
    "22v a bracket that stays open after another name": (from_base(RENAMED_BRACKETS), 3),
    "22v two errors that come by turns": (from_base([BRACKETS[0], COLONS[0]] * 2), 4),
    "22v only the number of the line is told, and it moves": (from_base(BRACKETS, placed=False), 3),
    "20v a guard, in and out between other edits": (stuck(guards(GUARD, None, "", None, GUARD)), 5),
    "20v a guard, in again after many other edits": (stuck(guards(GUARD, None, None, None, "", None, None, GUARD)), 8),
    "20v a guard, in again with another name": (stuck(guards(GUARD, None, "", None, None, None, RENAMED_GUARD)), 7),
    "20v a guard, out, in and out again": (stuck(guards(GUARD, None, None, "", None, None, GUARD, "")), 7),
    "20v a guard, in and out within larger patches": (with_more(stuck(guards(GUARD, "", GUARD, ""))), 4),
    "20v a line, there and back, far apart": (
        [attempt(d) for d in (SPIRAL[0], *UNLIKE[1:], UNDO, *UNLIKE_IN_ONE_FILE[:2], RATE_SPIRAL[0], SPIRAL[0])],
        8,
    ),
    "21 shuffled statements": ([attempt(d) for d in SHUFFLED], 3),
    "21v a method put elsewhere": ([attempt(d) for d in METHOD_MOVED], 3),
    "21v renamed identifiers": ([attempt(d, failure(path="shop/tax.py", function="strip")) for d in RENAMED], 3),
}

WALK = [
    "TypeError: can't multiply sequence by non-int of type 'str'",
    "AttributeError: 'Cart' object has no attribute 'rebates'",
    "ZeroDivisionError: division by zero",
]
ALIVE: dict[str, list[Attempt]] = {
    "2 a first attempt": [attempt(SPIRAL[0])],
    "2v a first attempt without a patch": [attempt("", "", "")],
    "7 the failing set shrinks": [
        attempt(d, failing=f) for d, f in zip(SPIRAL, ("t1 t2 t3", "t1 t2", "t1"), strict=True)
    ],
    "7v it shrinks at every other attempt": [
        attempt(d, failing=f)
        for d, f in zip((*RATE_SPIRAL, RATE_SPIRAL[0]), ("a b c d", "a b c d", "a b c", "a b"), strict=True)
    ],
    "8 unlike patches in three files": [attempt(d) for d in UNLIKE],
    "8v unlike patches in one file": [attempt(d) for d in UNLIKE_IN_ONE_FILE],
    "8v the same guard in three functions": [attempt(d) for d in SAME_GUARD_ELSEWHERE],
    "8v a line, then a rewrite, then another file": [attempt(d) for d in (SPIRAL[0], REWRITES[0], UNLIKE[2])],
    "8v a guard is put elsewhere between other edits": [
        attempt(d)
        for d in (
            SAME_GUARD_ELSEWHERE[0],
            UNLIKE[1],
            invert(SAME_GUARD_ELSEWHERE[0]),
            UNLIKE[2],
            SAME_GUARD_ELSEWHERE[1],
        )
    ],
    "8v a line to look at a value, in, out and in with other edits": with_more(
        stuck(guards(LOOK, "", LOOK)),
    ),
    "8v a guard is tried in one function after the other": [
        attempt(d)
        for d in (
            SAME_GUARD_ELSEWHERE[0],
            invert(SAME_GUARD_ELSEWHERE[0]),
            SAME_GUARD_ELSEWHERE[1],
            invert(SAME_GUARD_ELSEWHERE[1]),
            SAME_GUARD_ELSEWHERE[2],
        )
    ],
    "8v a guard, in and out, and in when fewer tests fail": [
        *stuck(guards(GUARD, None, "", None)),
        attempt(SPIRAL[0], failing="a"),
    ],
    "9 walking forward": [
        attempt(d, failure(e, line=47 + n)) for n, (d, e) in enumerate(zip(SPIRAL, WALK, strict=True))
    ],
    "9v one type in one file, other names": [
        attempt(d, failure(f"AttributeError: 'Item' object has no attribute '{name}'", line=47 + n))
        for n, (d, name) in enumerate(zip(SPIRAL, ("amounts", "costs", "taxes"), strict=True))
    ],
    "9v one assertion after the other": [
        attempt(d, wrong_value("4", line=12 + n, code=code))
        for n, (d, code) in enumerate(
            zip(
                REWRITES,
                ("assert cart.count() == 1", "assert cart.find('tea')", "assert cart.total() == 3.57"),
                strict=True,
            )
        )
    ],
    "9v one missing key after the other": [
        attempt(d, failure(f"KeyError: '{key}'", path="shop/tax.py", function="rate"))
        for d, key in zip(RATE_SPIRAL, ("food", "books", "tea"), strict=True)
    ],
    "9v what was asked for is there, and more is asked for": [
        attempt(d, failure(f"ValidationError: '{key}' is a required property", path="shop/store.py", function="load"))
        for d, key in zip(REQUIRED, ("currency", "tax-id", "address"), strict=True)
    ],
    "9v one dotted key after the other": [
        attempt(d, failure(f"KeyError: 'tax.{key}'", path="shop/tax.py", function="rate"))
        for d, key in zip(RATE_SPIRAL, ("food", "other-goods", "books"), strict=True)
    ],
    "12 the tests are run again": [
        attempt(
            d, failure(e), commands=(Command(command="python -m pytest -q tests/test_cart.py", result="1 failed"),) * 2
        )
        for d, e in zip(SPIRAL, WALK, strict=True)
    ],
    "12v with other runners": [
        attempt(d, failure(e), commands=(Command(command=c, result="FAILED"),))
        for d, e, c in zip(
            GUARD_SPIRAL,
            WALK,
            ("tox -e py312", "cd /work && make test", "PYTHONPATH=. python3 -m unittest -v"),
            strict=True,
        )
    ],
    "16 outages": [
        attempt(SPIRAL[0]),
        *(
            attempt("", said, "", infrastructure=True)
            for said in ("429 Too Many Requests", "timed out", "loading model")
        ),
        attempt(UNLIKE[1]),
    ],
    "16v outages between variations": [
        attempt(SPIRAL[0]),
        *(attempt(SPIRAL[0], infrastructure=True) for _ in range(4)),
        attempt(SPIRAL[1]),
    ],
    "22 one's own syntax error": [
        attempt(SPIRAL[0], SYNTAX, "tests/test_cart.py"),
        attempt(SPIRAL[1], wrong_value("3.0")),
        attempt(SPIRAL[2], failure("ValueError: not a price")),
    ],
    "22v an own import error": [
        attempt(RATE_SPIRAL[0], broken_import("decimals"), "tests/test_cart.py"),
        attempt(RATE_SPIRAL[1], wrong_value("3.2")),
    ],
    "22v one missing colon after the other": from_base(COLONS),
    "22v one missing colon after the other, step by step": step_by_step(COLONS),
    "22v the same colon in three methods": from_base(METHODS),
    "22v the same colon in three methods, step by step": step_by_step(METHODS),
    "22v only the number of the line is told": from_base(METHODS, placed=False),
    "23 a collection error, three files": [attempt(d, broken_import("prices"), "tests/test_cart.py") for d in UNLIKE],
    "23v a time limit hides the error": [
        attempt(d, "tests/test_cart.py \nsandbox: timed out after 20 s\n", "python -m pytest") for d in reversed(UNLIKE)
    ],
}


@pytest.mark.parametrize(("attempts", "by"), DEAD.values(), ids=DEAD)
def test_circling_branches_die(attempts: list[Attempt], by: int) -> None:
    at = died_at(attempts)
    assert at is not None
    assert 2 <= at <= by


@pytest.mark.parametrize("attempts", ALIVE.values(), ids=ALIVE)
def test_other_branches_live(attempts: list[Attempt]) -> None:
    assert max(values(attempts)) <= DEFAULTS.threshold


@pytest.mark.parametrize("name", ["1 the death spiral", "10 noise in the message", "21 shuffled statements"])
def test_a_spiral_rises_and_dies_at_its_third_attempt(name: str) -> None:
    first, second, third = values(DEAD[name][0])
    assert first == 0.0 < second <= DEFAULTS.threshold < third


@pytest.mark.parametrize("window", [1, 2, 5, 20])
def test_a_spiral_dies_in_any_window(window: int) -> None:
    attempts = [attempt(diff, noisy(n)) for n, diff in enumerate(GUARD_SPIRAL)]
    assert died_at(attempts, ConvergenceSettings(window=window)) == 3


def test_8_the_error_alone_never_kills() -> None:
    last = score_attempt([attempt(diff) for diff in UNLIKE])
    assert last.terms.error_match == 1.0
    assert last.value <= DEFAULTS.threshold


# --- 13, 14, 15: investigation -----------------------------------------------------------------------------


def repetition(*commands: Command) -> float | None:
    return score_attempt([attempt(UNLIKE[0]), attempt(UNLIKE[1], commands=commands)]).terms.command_repetition


def test_13_a_repeat_without_news_raises_the_command_term() -> None:
    same = Command(command="grep -n price shop/cart.py", result="12: price: str")
    assert repetition(same, same, same) == pytest.approx(2 / 3)


def test_13v_repeats_of_earlier_attempts_count() -> None:
    asked = (Command(command="cat  shop/tax.py", result="RATES"),)
    spread = [attempt(diff, commands=asked) for diff in UNLIKE]
    assert score_attempt(spread).terms.command_repetition == pytest.approx(2 / 3)


def test_14_a_repeat_after_a_change_does_not_raise_it() -> None:
    same = Command(command="grep -n price shop/cart.py", result="12: price: str", workspace_changed=True)
    assert repetition(same, same, same) == 0.0


def test_14v_nor_does_one_with_another_result() -> None:
    assert repetition(*(Command(command="git status", result=f"{n} files") for n in range(3))) == 0.0


@pytest.mark.parametrize("command", ["sed -n {0},{1}p shop/cart.py", "head -{1} shop/cart.py | tail -50"])
def test_15_paging_does_not_raise_it(command: str) -> None:
    pages = [Command(command=command.format(n, n + 49), result="...") for n in (1, 51, 101)]
    assert repetition(*pages) == 0.0


def test_test_runs_are_no_investigation() -> None:
    run = Command(command="timeout 60 python3.12 -m pytest -x", result="1 failed")
    assert repetition(run, run, run) is None


# --- 16, 17: what is no attempt ----------------------------------------------------------------------------


def test_16_outages_are_left_out() -> None:
    outage = attempt("", "429 Too Many Requests", "", infrastructure=True)
    without = score_attempt([attempt(SPIRAL[0]), attempt(SPIRAL[0])])
    with_outages = score_attempt([attempt(SPIRAL[0]), outage, outage, outage, attempt(SPIRAL[0])])
    assert with_outages == without
    assert score_attempt([attempt(SPIRAL[0]), outage]) == Score()


def test_17_a_retried_attempt_has_the_same_facts_and_score() -> None:
    first = attempt(UNLIKE[0])
    made, again = (attempt(UNLIKE[1], noisy(number)) for number in (1, 2))
    assert made == again
    assert score_attempt([first, made]) == score_attempt([first, again])
    assert score_attempt([first, again]).value <= DEFAULTS.threshold


# --- 18, 19: the next branch -------------------------------------------------------------------------------

DEAD_BRANCH = [attempt(diff) for diff in SPIRAL]


@pytest.mark.parametrize("diff", [UNLIKE[1], UNLIKE[2], UNLIKE_IN_ONE_FILE[2], SAME_GUARD_ELSEWHERE[1]])
def test_18_an_unlike_first_attempt_lives(diff: str) -> None:
    own = [attempt(diff)]
    first = score_attempt(own, dead=DEAD_BRANCH)
    assert first.value <= DEFAULTS.threshold
    assert reaper.judge(own, first, DEFAULTS) is None
    assert score_attempt([*own, attempt(UNLIKE_IN_ONE_FILE[1])], dead=DEAD_BRANCH).value <= DEFAULTS.threshold


@pytest.mark.parametrize("diff", SPIRAL)
def test_19_a_dead_patch_is_dead_at_once(diff: str) -> None:
    own = [attempt(diff, noisy(3))]
    first = score_attempt(own, dead=DEAD_BRANCH)
    assert first.novelty
    assert first.value > DEFAULTS.threshold
    assert "dead branch" in (reaper.judge(own, first, DEFAULTS) or "")


def test_19v_renaming_or_moving_it_does_not_help() -> None:
    output = failure(path="shop/tax.py", function="strip")
    dead = [attempt(RENAMED[0], output), attempt(UNLIKE[0], output)]
    assert score_attempt([attempt(RENAMED[2], output)], dead=dead).value > DEFAULTS.threshold
    lower = "\n" * 30 + CART
    moved = patches.make_diff("shop/cart.py", lower, lower.replace("price = item.price", "price = float(item.price)"))
    assert score_attempt([attempt(moved)], dead=DEAD_BRANCH).value > DEFAULTS.threshold


def test_19v_almost_a_dead_patch_with_another_error_lives() -> None:
    own = [attempt(RENAMED[2], failure("RecursionError: maximum recursion depth exceeded"))]
    assert score_attempt(own, dead=[attempt(RENAMED[0])]).value <= DEFAULTS.threshold


# --- 24: the best state ------------------------------------------------------------------------------------


def test_24_the_best_attempt_is_never_lost() -> None:
    attempts = [attempt(d, failing=f) for d, f in zip(SPIRAL, ("a b c", "a", "a b c d"), strict=True)]
    assert find_best(attempts) == 1


def test_24v_neither_an_outage_nor_a_hidden_failure_is_best() -> None:
    attempts = [
        attempt(SPIRAL[0], SYNTAX, "tests/test_cart.py"),
        attempt(SPIRAL[1], failing="a b"),
        attempt("", "429", "a", infrastructure=True),
        attempt(SPIRAL[2], failing="c d"),
    ]
    assert find_best(attempts) == 1
    assert find_best([]) is None


def test_the_patterns_are_built_from_real_patches_and_errors() -> None:
    assert all(patches.parse_diff(diff) != Patch() for diff in (*SPIRAL, *UNLIKE, *SHUFFLED, *RENAMED, UNDO))
    found = extract_signature(failure())
    assert found is not None
    assert (found.type, found.file, found.function) == ("TypeError", "shop/cart.py", "total")


@pytest.mark.parametrize(
    ("file", "removed", "added"),
    [
        ("web/client.js", "const url = `http://${host}/v1`", "const url = `https://${host}/v1`"),
        ("page.py", "    color: #222", "    color: #333"),
        ("run.sh", "[ $# -lt 1 ] && exit 2", "[ $# -lt 2 ] && exit 2"),
        ("run.sh", "name=${1#a-}", "name=${1#b-}"),
        ("race.go", "//go:build linux", "//go:build !race"),
        ("web/view.ts", "// @ts-ignore", "// @ts-expect-error"),
    ],
)
def test_what_only_looks_like_a_comment_is_a_change(file: str, removed: str, added: str) -> None:
    changed = patches.parse_diff(f"--- a/{file}\n+++ b/{file}\n@@ -3 +3 @@\n-{removed}\n+{added}\n")
    attempts = [attempt(SPIRAL[0]), Attempt(patch=changed, error=extract_signature(failure()), failing_tests=("t",))]
    assert died_at(attempts) is None
