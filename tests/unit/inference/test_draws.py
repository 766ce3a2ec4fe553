"""What the answers of one attempt come to, counted."""

import pytest

from activities.inference.draws import DrawnDiffs
from activities.inference.edits import UnchangedError
from hydranet import patches
from hydranet.allocation import Draws
from hydranet.contracts import AttemptDigest
from hydranet.errors import PatchError

CODE = "def total(prices):\n    return sum(prices) - 1\n"
DROPPED = patches.make_diff("cart.py", CODE, CODE.replace(" - 1", ""))
COUNTED = patches.make_diff("cart.py", CODE, CODE.replace("sum", "len"))
TRIED = AttemptDigest(number=1, patch="cart.py:2\n-    return sum(prices) - 1\n+    return sum(prices)")
SAME = UnchangedError("The answer is the code as it was.")
BROKEN = PatchError("Invalid syntax in cart.py line 2.")


@pytest.mark.parametrize(
    ("results", "history", "counts", "fresh"),
    [
        ([], (), Draws(), []),
        ([DROPPED, COUNTED], (), Draws(fails=2), [DROPPED, COUNTED]),
        ([DROPPED, DROPPED, SAME, BROKEN], (), Draws(fails=1, repeats=1, unchanged=1, unusable=1), [DROPPED]),
        ([DROPPED, COUNTED, DROPPED], (TRIED,), Draws(fails=1, repeats=2), [COUNTED]),
        ([DROPPED], (AttemptDigest(number=1),), Draws(fails=1), [DROPPED]),
    ],
)
def test_every_answer_is_counted_by_what_it_brings(
    results: list[str | PatchError], history: tuple[AttemptDigest, ...], counts: Draws, fresh: list[str]
) -> None:
    drawn = DrawnDiffs(history)
    for result in results:
        drawn.add(result)
    assert (drawn.counts, drawn.fresh) == (counts, fresh)


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([BROKEN], "Invalid syntax in cart.py line 2."),
        ([SAME], "The answer is the code as it was."),
        ([SAME, SAME], "2 answers: 2 changed nothing."),
        (
            [SAME, BROKEN, SAME, SAME],
            "4 answers: 3 changed nothing, 1 could not be used. Invalid syntax in cart.py line 2.",
        ),
        (
            [BROKEN, PatchError("The answer holds no code.")],
            "2 answers: 2 could not be used. The answer holds no code.",
        ),
    ],
)
def test_an_attempt_without_a_diff_says_what_its_answers_were(results: list[PatchError], reason: str) -> None:
    drawn = DrawnDiffs(())
    for result in results:
        drawn.add(result)
    assert drawn.explain() == reason
