"""10,000 mangled answers: never an exception that is not ours, never a path that is not the repository's."""

import json
import random
import string
from collections.abc import Callable
from contextlib import suppress

from activities.inference.answers import AnswerError, Hypothesis, PlanWords, Reflection, parse_answer, parse_hypotheses
from activities.inference.edits import EditTarget, apply_edit
from hydranet import patches
from hydranet.errors import PatchError

COUNT = 4_000
CART = """import os


def total(prices):
    '''The sum.'''
    return sum(prices) - 1


class Cart:
    def add(self, item):
        self.items.append(item)

    def size(self):
        return len(self.items)
"""
SOURCES = {"shop/cart.py": CART, "shop/tax.py": "RATE = 0.19\n\n\ndef add(amount):\n    return amount * (1 + RATE)\n"}
TARGET = EditTarget(("shop/cart.py",), ("total",))
HYPOTHESIS = {
    "title": "Off by one in total",
    "rationale": "It subtracts 1.",
    "plan": "Drop it.",
    "kind": "wrong value",
    "target_files": ["shop/cart.py"],
    "target_symbols": ["total"],
}
ANSWERS = [
    "```python\ndef total(prices):\n    return sum(prices)\n```",
    "shop/cart.py:\n```python\nclass Cart:\n    def add(self, item):\n        return None\n```\nThat is all.",
    "<<<<<<< SEARCH\n    return sum(prices) - 1\n=======\n    return sum(prices)\n>>>>>>> REPLACE",
    "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -4,3 +4,3 @@\n def total(prices):\n-    return sum(prices) - 1\n"
    "+    return sum(prices)\n",
    "shop/tax.py\n```python\nRATE = 0.2\n\n\ndef add(amount):\n    return amount * (1 + RATE)\n```",
    "--- a/../../etc/passwd\n+++ b/../../etc/passwd\n@@ -1 +1 @@\n-root\n+toor\n",
    "/etc/cron.d/x:\n```python\nimport os\n```",
    json.dumps({"strategies": [HYPOTHESIS, HYPOTHESIS]}),
    "Sure! " + json.dumps(HYPOTHESIS) + " I hope this helps.",
    json.dumps({"summary": "Drop the minus", "steps": "In total()."}),
    json.dumps({"lesson": "It was off by one.", "next": "Drop it."}),
]
SPLINTERS = [
    "```",
    "```python\n",
    "{",
    "}",
    "[",
    ",",
    '"',
    "'",
    ":",
    "\\",
    "\n",
    "\0",
    "\ud800",
    "def ",
    "@@",
    "--- a/x\n",
]
SPLINTERS += [
    "+++ /dev/null\n",
    "../",
    "<think>",
    "</think>",
    "=======\n",
    ">>>>>>> REPLACE",
    "null",
    "1e999",
    "😀",
    "\t",
]


def cut(text: str, chance: random.Random) -> str:
    start, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
    return text[:start] + text[end:]


def end_early(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text) + 1)]


def put_in(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(SPLINTERS) * chance.choice((1, 1, 1, 3, 50)) + text[at:]


def scramble(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    chance.shuffle(lines)
    return "\n".join(lines)


def join(text: str, chance: random.Random) -> str:
    return text + chance.choice(("", "\n", " ")) + chance.choice(ANSWERS)


def replace(text: str, chance: random.Random) -> str:
    old = chance.choice(string.printable)
    return text.replace(old, chance.choice(SPLINTERS), 5)


MANGLERS: list[Callable[[str, random.Random], str]] = [cut, end_early, put_in, put_in, scramble, join, replace]


def mangled(chance: random.Random) -> str:
    text = chance.choice(ANSWERS)
    for _ in range(chance.randint(1, 5)):
        text = chance.choice(MANGLERS)(text, chance)
    return text


def is_edit(answer: str) -> bool:
    """Read an answer in every way there is; whether it changes a file."""
    for kind in (Hypothesis, PlanWords, Reflection):
        with suppress(AnswerError):
            parse_answer(answer, kind)
    with suppress(AnswerError):
        parse_hypotheses(answer)
    try:
        changed = apply_edit(answer, SOURCES, TARGET)
    except PatchError:
        return False
    assert changed.keys() <= SOURCES.keys()
    diff = "".join(patches.make_diff(path, SOURCES[path], text) for path, text in changed.items())
    patches.check_diff(diff)
    assert patches.apply_diff(diff, SOURCES.get) == changed
    return True


def test_no_answer_breaks_anything() -> None:
    chance = random.Random(7)
    edits = 0
    for number in range(COUNT):
        answer = mangled(chance)
        try:
            edits += is_edit(answer)
        except Exception as error:
            raise AssertionError(f"answer {number}: {answer!r}") from error
    assert edits > COUNT / 20
