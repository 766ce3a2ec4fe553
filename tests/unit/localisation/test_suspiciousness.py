"""The formulas of suspiciousness."""

import pytest

from activities.localisation.regions import list_regions
from activities.localisation.source import Source
from activities.localisation.suspiciousness import dstar, list_stems, ochiai, score_predicate, score_relevance

CODE = """
def parse_line(text):
    return text.split(";")

def evict_oldest(entries):
    \"\"\"Make room by the longest unused.\"\"\"
    entries.pop(0)

def show(entries):
    return str(entries)
"""


def test_ochiai_and_dstar_agree_with_their_definitions() -> None:
    assert ochiai(2, 0, 2) == 1.0
    assert ochiai(1, 3, 4) == pytest.approx(1 / 4)
    assert ochiai(0, 5, 2) == 0.0
    assert ochiai(0, 0, 0) == 0.0
    # D* = 2² / (1 passing + 1 failing elsewhere) = 2, mapped into 0..1 by 2 / (2 + 3).
    assert dstar(2, 1, 3) == pytest.approx(2 / 5)
    assert dstar(3, 0, 3) == 1.0
    assert dstar(0, 4, 3) == 0.0


def test_a_predicate_scores_by_the_failures_it_predicts() -> None:
    # All 5 failing tests and none of the 8 others: the harmonic mean of 1 - 5/13 and 1, times 5/6.
    assert score_predicate(5, 0, 8, 5) == pytest.approx(2 * (8 / 13) / (8 / 13 + 1) * 5 / 6)
    assert score_predicate(2, 3, 3, 2) == 0.0  # it holds in every test that reaches it
    assert score_predicate(0, 3, 4, 2) == 0.0


def test_identifiers_are_split_and_endings_removed() -> None:
    assert list_stems("evicted EvictingCache used_keys") == ["evict", "evict", "cach", "used", "key"]


def test_the_region_with_the_words_of_the_issue_is_the_most_relevant() -> None:
    source = Source.parse("cache.py", CODE)
    assert source is not None
    symbols = [region.symbol for region in list_regions(source)]
    scores = dict(zip(symbols, score_relevance(list_regions(source), ["An entry is evicted early"]), strict=True))
    assert scores["evict_oldest"] == 1.0
    assert 0 == scores["parse_line"] <= scores["show"] < 1


def test_without_a_word_in_common_nothing_is_relevant() -> None:
    source = Source.parse("cache.py", CODE)
    assert source is not None
    assert set(score_relevance(list_regions(source), ["zebra"])) == {0.0}
    assert score_relevance([], ["zebra"]) == []
