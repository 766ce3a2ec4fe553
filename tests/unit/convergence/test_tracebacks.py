"""What a traceback says beside the code."""

import random

from hydranet.convergence.tracebacks import extract_essence
from hydranet.text.truncation import keep_ends

LONG = """\
a = [1, 2], b = 3
self = <test_x.TestA object at 0x7f877d701090>

    @pytest.mark.parametrize("a,b", [([1, 2], 3)])
    def test_p(a, b):
        x = 1
>       assert sum(a) == b + 1, "msg"
E       AssertionError: msg
E       assert 3 == (3 + 1)
E
E        +  where 3 = sum([1, 2])
E         Use -v to get more diff

test_x.py:15: AssertionError
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _

def test_s():
>       helper()

test_x.py:26:
"""


def test_the_essence_of_a_long_traceback_is_what_the_code_does_not_say() -> None:
    assert extract_essence(LONG).splitlines() == [
        "a = [1, 2], b = 3",
        '>       assert sum(a) == b + 1, "msg"',
        "E       AssertionError: msg",
        "E       assert 3 == (3 + 1)",
        "E        +  where 3 = sum([1, 2])",
        "test_x.py:15: AssertionError",
        ">       helper()",
        "test_x.py:26:",
    ]


def test_other_tracebacks_stay_as_they_are() -> None:
    for message in ("", "test_x.py:4: in helper\n    return b / 0\nE   ZeroDivisionError", "    at f (a.js:1:2)"):
        assert extract_essence(message) == message


def test_of_a_long_text_both_ends_are_kept() -> None:
    text = "\n".join(f"line {number}" for number in range(50))
    assert keep_ends(text, 60) == "line 0\nline 1\n…\nline 45\nline 46\nline 47\nline 48\nline 49"
    assert keep_ends("short", 60) == "short"


def test_ends_fit_whatever_the_text() -> None:
    draw = random.Random(1)
    for _ in range(2000):
        text, limit = "".join(draw.choices("ab\n", k=draw.randrange(300))), draw.randrange(6, 200)
        assert len(keep_ends(text, limit)) <= limit or len(text) <= limit
