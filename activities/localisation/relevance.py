"""Lexicon: how much a region speaks of what the issue and the failing tests speak of."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log

from activities.localisation.regions import Region

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ENDINGS = ("ing", "ied", "ies", "ed", "es", "s", "e")
# The usual constants of BM25: how soon a word's repetition counts less, and how much length does.
_SATURATION, _LENGTH = 1.2, 0.6


def list_stems(text: str) -> list[str]:
    """The words of a text and of its identifiers without their endings."""
    return [_stem(word.lower()) for word in _WORD.findall(text) if len(word) > 2]


def score_relevance(regions: Sequence[Region], said: Iterable[str]) -> list[float]:
    """For each region how relevant it is to some texts, in 0..1, the most relevant being 1.

    Okapi BM25 with the regions as documents: Robertson and Zaragoza, "The Probabilistic Relevance
    Framework", Foundations and Trends in Information Retrieval 3(4), 2009.
    """
    documents = [Counter(list_stems(_text(region))) for region in regions]
    average = sum(document.total() for document in documents) / max(1, len(documents)) or 1.0
    known = Counter(word for document in documents for word in document)
    wanted = {word for text in said for word in list_stems(text)} & known.keys()
    rarity = {word: log(1 + (len(documents) - known[word] + 0.5) / (known[word] + 0.5)) for word in wanted}
    scores = [
        sum(
            rarity[word]
            * document[word]
            * (_SATURATION + 1)
            / (document[word] + _SATURATION * (1 - _LENGTH + _LENGTH * document.total() / average))
            for word in wanted & document.keys()
        )
        for document in documents
    ]
    highest = max(scores, default=0.0) or 1.0
    return [score / highest for score in scores]


def _text(region: Region) -> str:
    """A region in words: its symbol, more than once since it says the most, and its text."""
    if region.node is None:
        return " ".join(ast.unparse(statement.node) for statement in region.statements)
    start, end = region.source.lines_span(region.node.lineno, region.node.end_lineno or region.node.lineno)
    return f"{region.symbol} {region.symbol} {region.source.text[start:end]}"


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
