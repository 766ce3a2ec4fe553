"""Simplicity: which of several candidates that pass all tests is the likeliest to be right."""

from __future__ import annotations

import re

from rapidfuzz.distance import Levenshtein

from hydranet import patches

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|'[^'\n]*'|\"[^\"\n]*\"|[^\w\s]")
_LITERAL = re.compile(r"[\d'\"]")

# A token that goes takes with it what it did in cases that no test asks for; one that comes mostly adds to it.
_ADDED, _REMOVED = 1, 6
# A value that was not there before fits the tests as they are; what is made of names fits more.
_NEW_LITERAL = 6


def measure_cost(diff: str) -> int:
    """How much a unified diff takes away and adds, in tokens; values it brings in count more: they are less general."""
    total = 0
    for edit in patches.parse_diff(diff).edits:
        before, after = _tokens(edit.removed), _tokens(edit.added)
        total += Levenshtein.distance(before, after, weights=(_ADDED, _REMOVED, _ADDED + _REMOVED))
        total += _NEW_LITERAL * len({token for token in after if _LITERAL.match(token)} - set(before))
    return total


def _tokens(lines: tuple[str, ...]) -> list[str]:
    return [token for line in lines for token in _TOKEN.findall(line)]
