"""An answer that has begun to loop is seen, and code that only looks alike is not."""

import pytest

from activities.inference.loops import TAIL_CHARACTERS, is_loop


@pytest.mark.parametrize(
    "period",
    [
        "x",
        "            key = key.replace('_', '-')\n",
        "    if a:\n        b = 1\n    elif c:\n        b = 2\n",
        "I will now fix the bug. ",
    ],
)
def test_the_same_text_over_and_over_is_a_loop(period: str) -> None:
    assert is_loop(("def f():\n" + period * 500)[:TAIL_CHARACTERS])
    assert is_loop((period * 500)[:-3][-TAIL_CHARACTERS:])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "#" + "-" * 119 + "\n",
        "".join(f"    self.assertEqual(f({number}), {number * 3})\n" for number in range(60)),
        "".join(f"        elif name == 'option_{number}':\n            return {number}\n" for number in range(10, 40)),
        "            key = key.replace('_', '-')\n" * 5,
    ],
)
def test_code_that_is_alike_is_no_loop(text: str) -> None:
    assert not any(is_loop(text[max(0, end - TAIL_CHARACTERS) : end]) for end in range(len(text) + 1))
