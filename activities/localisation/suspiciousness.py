"""Suspiciousness formulas: Ochiai, D*, the importance of a predicate and BM25; all give figures in 0..1."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log, sqrt

from activities.localisation.regions import Region

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ENDINGS = ("ing", "ied", "ies", "ed", "es", "s", "e")
# BM25's k1 (saturation by repetition) and b (normalisation by length), near their usual 1.2 and 0.75.
_K1, _B = 1.2, 0.6


def ochiai(failing: int, passing: int, all_failing: int) -> float:
    """Return Ochiai's coefficient of a line that `failing` of `all_failing` and `passing` other tests execute.

    Abreu, Zoeteweij and van Gemund, "An Evaluation of Similarity Coefficients for Software Fault
    Localization", PRDC 2006.
    """
    executed = all_failing * (failing + passing)
    return failing / sqrt(executed) if executed else 0.0


def dstar(failing: int, passing: int, all_failing: int) -> float:
    """Return D* with exponent 2 of the same counts, mapped into 0..1 by d / (d + all_failing).

    Wong, Debroy, Gao and Li, "The DStar Method for Effective Software Fault Localization", IEEE
    Transactions on Reliability 63(1), 2014.
    """
    if not failing:
        return 0.0
    others = passing + all_failing - failing
    return failing**2 / (failing**2 + others * all_failing)


def score_predicate(failing: int, passing: int, reached: int, all_failing: int) -> float:
    """Return the importance of a predicate that holds in `failing` of `all_failing` and `passing` other tests.

    It is the harmonic mean of the share of failing tests in which the predicate holds, and of the increase in the
    failure rate over all tests that reach its line (`reached` of them pass). Liblit et al., "Scalable Statistical
    Bug Isolation", PLDI 2005, without their logarithm, which needs many failures.
    """
    if not failing:
        return 0.0
    increase = failing / (failing + passing) - failing / (failing + reached)
    share = failing / all_failing
    confidence = failing / (failing + 1)  # in a single failing test many predicates hold by chance
    return confidence * 2 * increase * share / (increase + share) if increase > 0 else 0.0


def score_relevance(regions: Sequence[Region], texts: Iterable[str]) -> list[float]:
    """Return the relevance of each region to the texts, divided by the highest.

    Okapi BM25 with the regions as documents: Robertson and Zaragoza, "The Probabilistic Relevance
    Framework", Foundations and Trends in Information Retrieval 3(4), 2009.
    """
    documents = [Counter(list_stems(_get_text(region))) for region in regions]
    average = sum(document.total() for document in documents) / max(1, len(documents)) or 1.0
    frequencies = Counter(word for document in documents for word in document)
    query = {word for text in texts for word in list_stems(text)} & frequencies.keys()
    idf = {word: log(1 + (len(documents) - frequencies[word] + 0.5) / (frequencies[word] + 0.5)) for word in query}
    scores = [
        sum(
            idf[word] * document[word] * (_K1 + 1) / (document[word] + _K1 * (1 - _B + _B * document.total() / average))
            for word in query & document.keys()
        )
        for document in documents
    ]
    highest = max(scores, default=0.0) or 1.0
    return [score / highest for score in scores]


def list_stems(text: str) -> list[str]:
    """Return the words of a text and of its identifiers without their endings."""
    return [_stem(word.lower()) for word in _WORD.findall(text) if len(word) > 2]


def _get_text(region: Region) -> str:
    if region.node is None:
        return " ".join(ast.unparse(statement.node) for statement in region.statements)
    start, end = region.source.span_of_lines(region.node.lineno, region.node.end_lineno or region.node.lineno)
    # The symbol counts twice more: a name says what the code is for.
    return f"{region.symbol} {region.symbol} {region.source.text[start:end]}"


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
