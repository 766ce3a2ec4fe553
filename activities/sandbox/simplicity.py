"""Simplicity: which of several candidates that pass all tests is the likeliest to be right."""

from __future__ import annotations

import re

from rapidfuzz.distance import Levenshtein

from hydranet import patches

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|'[^'\n]*'|\"[^\"\n]*\"|[^\w\s]")
_LITERAL = re.compile(r"[\d'\"]")

# A value that was not there before fits the tests as they are; what is made of names fits more.
_NEW_LITERAL = 3.0


def cost(diff: str) -> float:
    """How much a unified diff changes, in tokens; values it brings in count more, for they are less general."""
    total = 0.0
    for edit in patches.parse(diff).edits:
        before, after = _tokens(edit.removed), _tokens(edit.added)
        total += Levenshtein.distance(before, after)
        total += _NEW_LITERAL * len({token for token in after if _LITERAL.match(token)} - set(before))
    return total


def _tokens(lines: tuple[str, ...]) -> list[str]:
    return [token for line in lines for token in _TOKEN.findall(line)]
