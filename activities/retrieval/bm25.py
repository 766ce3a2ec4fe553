"""BM25 over bags of terms.

The formula is that of Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with
the inverse document frequency of Lucene, which is never negative.
"""

from collections.abc import Iterable, Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray

from activities.retrieval.tokens import Bags

_SATURATION = 1.2
_LENGTH = 0.75


class Postings:
    """Documents by the terms in them, each with what the term adds to the document's score."""

    def __init__(self, bags: Bags, saturation: float = _SATURATION, length: float = _LENGTH) -> None:
        self.documents = len(bags.sizes)
        owner = np.repeat(np.arange(self.documents, dtype=np.int32), bags.sizes)
        order = np.argsort(bags.numbers, kind="stable")
        self._numbers, starts = np.unique(bags.numbers[order], return_index=True)
        self._starts = np.append(starts, len(order))
        self._owner = owner[order]
        counts = bags.counts[order].astype(np.float32)
        lengths = np.bincount(owner, bags.counts, self.documents).astype(np.float32)
        mean = max(float(lengths.mean()) if self.documents else 0.0, 1.0)
        norm = saturation * (1 - length + length * lengths[self._owner] / mean)
        frequency = np.diff(self._starts)
        self.rarity = np.log1p((self.documents - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
        gain = np.repeat(self.rarity, frequency) * counts * (saturation + 1) / (counts + norm)
        self._gain = gain.astype(np.float32)

    @classmethod
    def grouped(cls, bags: Bags, group: NDArray[np.int32], groups: int) -> Self:
        """Over documents that are `groups` of bags: `group` says of each bag to which it belongs."""
        owner = np.repeat(group, bags.sizes).astype(np.uint64)
        pairs, which = np.unique(owner << np.uint64(32) | bags.numbers, return_inverse=True)
        counts = np.minimum(np.bincount(which, bags.counts, len(pairs)), 255)
        sizes = np.bincount((pairs >> np.uint64(32)).astype(np.int64), minlength=groups)
        return cls(Bags(sizes.astype(np.uint32), pairs.astype(np.uint32), counts.astype(np.uint8)))

    def scores(self, query: Mapping[int, float]) -> NDArray[np.float32]:
        """Every document's score for the terms of `query`, each by its number and with its weight."""
        scores = np.zeros(self.documents, np.float32)
        for documents, gains, weight in self._found(query):
            scores[documents] += weight * gains
        return scores

    def weight_of(self, query: Mapping[int, float]) -> float:
        """Return what a document that is full of every term of `query` would score, nearly."""
        return (_SATURATION + 1) * sum(
            weight * float(self.rarity[at]) for term, weight in query.items() if (at := self._at(term)) is not None
        )

    def _found(self, query: Mapping[int, float]) -> Iterable[tuple[NDArray[np.int32], NDArray[np.float32], float]]:
        for term, weight in query.items():
            if (at := self._at(term)) is not None:
                piece = slice(self._starts[at], self._starts[at + 1])
                yield self._owner[piece], self._gain[piece], weight

    def _at(self, term: int) -> int | None:
        at = int(np.searchsorted(self._numbers, np.uint32(term)))
        return at if at < len(self._numbers) and self._numbers[at] == term else None
