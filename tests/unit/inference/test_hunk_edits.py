"""Answers to a question about some lines of a function: the lines again."""

import pytest

from activities.inference.edits import EditTarget, UnchangedError, Window, apply_edit
from hydranet.errors import PatchError

CART = """import math


class Cart:
    def total(self, prices):
        result = 0
        count = 0
        for price in prices:
            if price is None:
                continue
            result -= price
            count += 1
        if not count:
            return None
        mean = result / count
        self.mean = mean
        return result

    def clear(self):
        self.prices = []
"""
FIRST, LAST = 5, 17  # Cart.total
FIXED = CART.replace("-=", "+=")
HUNK = (
    "        for price in prices:\n            if price is None:\n                continue\n            result -= price"
)


def edit(answer: str, first: int, last: int, source: str = CART, *, truncated: bool = False) -> str:
    target = EditTarget(("cart.py",), ("Cart.total",), Window("cart.py", first, last))
    return apply_edit(answer, {"cart.py": source}, target, truncated=truncated)["cart.py"]


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{HUNK.replace('-=', '+=')}\n```",
        f"Sure:\n```python\n{HUNK.replace('-=', '+=')}\n```\nDone.",
        f"```python\n{HUNK}\n```\nbecomes\n```python\n{HUNK.replace('-=', '+=')}\n```",
        f"```python\n{HUNK.replace('-=', '+=').strip()}\n```",
        "```python\n" + HUNK.replace("-=", "+=").replace("\n        ", "\n").strip() + "\n```",
        f"```python\n        count = 0\n{HUNK.replace('-=', '+=')}\n            count += 1\n```",
        f"\n\n```python\n\n{HUNK.replace('-=', '+=')}\n\n```",
        f"```python\r\n{HUNK.replace('-=', '+=')}\r\n```".replace("\n", "\r\n"),
    ],
)
def test_a_hunk_takes_the_place_of_its_lines(answer: str) -> None:
    assert edit(answer, 8, 11) == FIXED


def test_the_whole_function_may_come_instead_of_a_hunk() -> None:
    function = "\n".join(CART.split("\n")[FIRST - 1 : LAST]).replace("-=", "+=")
    assert edit(f"```python\n{function}\n```", 8, 11) == FIXED
    # The first hunk begins with the function's head, and is not the function.
    head = "    def total(self, prices):\n        result = 1\n        count = 0"
    assert edit(f"```python\n{head}\n```", 5, 7) == CART.replace("result = 0", "result = 1")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("```python\nprint(prices)\n```", "is not a version of the lines"),
        (
            "```python\n        for price in prices:\n            # ...\n            result += price\n```",
            "leaves out lines",
        ),
        (f"```python\n{HUNK.replace('-=', '+=')} (\n```", "Invalid syntax"),
        ("I cannot tell.", "no code"),
    ],
)
def test_what_is_no_version_of_a_hunk_is_refused(answer: str, reason: str) -> None:
    with pytest.raises(PatchError, match=reason):
        edit(answer, 8, 12)


def test_a_hunk_as_it_was_is_no_change() -> None:
    with pytest.raises(UnchangedError):
        edit(f"```python\n{HUNK}\n```", 8, 11)


def test_a_cut_off_hunk_is_refused() -> None:
    with pytest.raises(PatchError, match="cut off"):
        edit(f"```python\n{HUNK.replace('-=', '+=')}\n", 8, 11, truncated=True)


def test_line_ends_and_tabs_of_the_file_stay() -> None:
    answer = f"```python\n{HUNK.replace('-=', '+=')}\n```"
    assert edit(answer, 8, 11, CART.replace("\n", "\r\n")) == FIXED.replace("\n", "\r\n")
    assert edit(answer, 8, 11, CART.replace("    ", "\t")) == FIXED.replace("    ", "\t")
