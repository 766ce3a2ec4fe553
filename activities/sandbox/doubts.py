"""How much there is to doubt in candidates that pass all tests: of what they change, and of who comes before them."""

import math
import re
from collections.abc import Mapping

from rapidfuzz.distance import Levenshtein

from hydranet import patches

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|'[^'\n]*'|\"[^\"\n]*\"|[^\w\s]")
_LITERAL = re.compile(r"[\d'\"]")
# The cost of a token. A removed one takes with it what it did in cases that no test covers; an added one rarely does.
_ADDED, _REMOVED = 1, 6
# A new literal often fits only the values in the tests, while an expression of names fits others too.
_NEW_LITERAL = 6
# Learned on six programs of the QuixBugs benchmark (bitcount, bucketsort, find_in_sorted, gcd, hanoi, kheapsort), of
# which one failing and two passing cases are shown: of the candidates that pass, those that are tried early are right
# far more often, but for those that change a lot.
_COST_OF_DOUBT = 30.0


def measure_doubts(diffs: Mapping[int, str]) -> dict[int, float]:
    """Return how little likely each candidate is to be right, of those that pass: 0 and more, without a unit.

    `diffs` are unified diffs by index: candidates are tried in the order of these, the likeliest before any other. The
    doubt is log(1 + number of passing candidates before it) + cost / 30.
    """
    return {
        index: math.log(1 + place) + measure_cost(diffs[index]) / _COST_OF_DOUBT
        for place, index in enumerate(sorted(diffs))
    }


def measure_cost(diff: str) -> int:
    """Return how much a unified diff changes, in weighted tokens: a higher cost is less likely to be right."""
    total = 0
    for edit in patches.parse_diff(diff).edits:
        before, after = _tokenize(edit.removed), _tokenize(edit.added)
        total += Levenshtein.distance(before, after, weights=(_ADDED, _REMOVED, _ADDED + _REMOVED))
        total += _NEW_LITERAL * len({token for token in after if _LITERAL.match(token)} - set(before))
    return total


def _tokenize(lines: tuple[str, ...]) -> list[str]:
    return [token for line in lines for token in _TOKEN.findall(line)]
