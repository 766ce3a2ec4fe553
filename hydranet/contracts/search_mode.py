"""What a search for code goes by."""

from enum import StrEnum


class SearchMode(StrEnum):
    """BM25 alone, the likeness of vectors alone, both fused by rank, or the code graph with its ranker."""

    BM25 = "bm25"
    VECTOR = "vector"
    FUSION = "fusion"
    GRAPH = "graph"
