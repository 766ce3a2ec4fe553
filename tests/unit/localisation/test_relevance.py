"""Regions are relevant that speak of what the issue speaks of."""

from activities.localisation.regions import list_regions
from activities.localisation.relevance import list_stems, score_relevance
from activities.localisation.source import Source

CODE = """
def parse_line(text):
    return text.split(";")

def evict_oldest(entries):
    \"\"\"Make room by the longest unused.\"\"\"
    entries.pop(0)

def show(entries):
    return str(entries)
"""


def test_identifiers_and_endings_are_taken_apart() -> None:
    assert list_stems("evicted EvictingCache used_keys") == ["evict", "evict", "cach", "used", "key"]


def test_the_region_that_the_issue_speaks_of_is_the_most_relevant() -> None:
    source = Source.of("cache.py", CODE)
    assert source is not None
    found = list_regions(source)
    scores = dict(
        zip((region.symbol for region in found), score_relevance(found, ["An entry is evicted early"]), strict=True)
    )
    assert scores["evict_oldest"] == 1.0
    assert 0 == scores["parse_line"] <= scores["show"] < 1


def test_without_a_word_in_common_nothing_is_relevant() -> None:
    source = Source.of("cache.py", CODE)
    assert source is not None
    assert set(score_relevance(list_regions(source), ["zebra"])) == {0.0}
    assert score_relevance([], ["zebra"]) == []
