"""Terms: what of a text and of a piece of code is compared with each other when code is searched.

A term is a word's stem, and, of a name that is joined of several words, the whole name as well:
"resolve_users" gives "resolv", "user" and "resolve_users". A term is kept as a 32-bit number, its CRC-32, so that
an index of a large repository is a few arrays; two of 100,000 terms share a number about once.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Self

import numpy as np
import Stemmer
from numpy.typing import NDArray

from hydranet.code_graph.model import Node, NodeKind

_WORD = re.compile(r"[^\W\d]\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
# Splits twice as fast as the expression above does: all but letters, digits and what is beyond ASCII is a blank.
_SEPARATED = bytes(one if one >= 128 or chr(one).isalnum() or one == ord("_") else ord(" ") for one in range(256))
_LONGEST = 100
_MOST = 255
_STEM = Stemmer.Stemmer("english").stemWord
_COMMON = frozenset(
    """
    a about after again all also an and any are as at be because been before being both but by can cannot could did do
    does doing don down each else etc few for from further get gets getting given go got had has have having he here
    hi how however if in instead into is isn it its just like made make may me might more most much must my need no nor
    not now of off on once one only or other our out over own please same see seems she should since so some still such
    than thank thanks that the their them then there these they thing this those through to too try under until up us
    use used using very want was way we were what when where which while who why will with without work works would
    yes yet you your
    def del elif except finally lambda none pass raise return self true false try yield async await assert break class
    continue global import nonlocal cls args kwargs int str bool float dict list tuple
    """.split()
)


def split_terms(text: str) -> list[str]:
    """Split a text into terms, in its order, with repetitions and without stop words."""
    return [term for word in _WORD.findall(text) for term in _terms_of(word)]


def number_terms(term: str) -> int:
    """Return the number of a term, 0 to 2³² - 1."""
    return zlib.crc32(term.encode())


def count_terms(text: str) -> dict[int, int]:
    """Count each term of a text, by the term's number."""
    words = text.encode(errors="replace").translate(_SEPARATED).decode().split()
    return Counter(chain.from_iterable(map(_numbers_of, words)))


@dataclass(frozen=True, slots=True)
class Bags:
    """The terms of some documents, one bag for each: `sizes[i]` of `numbers` and `counts` belong to document i.

    `counts` stops at 255. The arrays are uint32, uint32 and uint8.
    """

    sizes: NDArray[np.uint32]
    numbers: NDArray[np.uint32]
    counts: NDArray[np.uint8]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Return the bags of `texts`."""
        sizes, numbers, counts = [], list[int](), list[int]()
        for text in texts:
            bag = count_terms(text)
            sizes.append(len(bag))
            numbers += bag.keys()
            counts += bag.values()
        return cls(
            np.array(sizes, np.uint32),
            np.array(numbers, np.uint32),
            np.minimum(np.array(counts, np.int64), _MOST).astype(np.uint8),
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the documents of all `parts`, one after the other."""
        return cls(
            np.concatenate([part.sizes for part in parts] or [np.empty(0, np.uint32)]),
            np.concatenate([part.numbers for part in parts] or [np.empty(0, np.uint32)]),
            np.concatenate([part.counts for part in parts] or [np.empty(0, np.uint8)]),
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return what `to_bytes` made."""
        documents = int.from_bytes(data[:4], "little")
        sizes = np.frombuffer(data, "<u4", documents, 4)
        total = int(sizes.sum())
        start = 4 + 4 * documents
        return cls(sizes, np.frombuffer(data, "<u4", total, start), np.frombuffer(data, "u1", total, start + 4 * total))

    def to_bytes(self) -> bytes:
        """Return the bags in 4 bytes for each document and 5 for each term of one."""
        arrays = (self.sizes.astype("<u4"), self.numbers.astype("<u4"), self.counts)
        return len(self.sizes).to_bytes(4, "little") + b"".join(array.tobytes() for array in arrays)


def count_bodies(nodes: Sequence[Node], source: str) -> Bags:
    """Count the terms of each node's own lines, without those of nodes inside it; `nodes` are of one file."""
    lines = source.split("\n")
    owner = np.full(len(lines) + 1, -1)
    for index in sorted(range(len(nodes)), key=lambda index: _outer_first(nodes[index])):
        owner[nodes[index].first : nodes[index].last + 1] = index
    texts: list[list[str]] = [[] for _ in nodes]
    for line, index in zip(lines, owner[1:].tolist(), strict=True):
        if index >= 0:
            texts[index].append(line)
    return Bags.of("\n".join(text) for text in texts)


def count_titles(nodes: Iterable[Node]) -> Bags:
    """Count the terms of each node's path and qualified name."""
    return Bags.of(f"{node.path.rpartition('.')[0]} {node.name}" for node in nodes)


def _outer_first(node: Node) -> tuple[bool, bool, int, int]:
    return node.kind is not NodeKind.MODULE, node.kind is not NodeKind.BLOCK, node.first, -node.last


@lru_cache(maxsize=1 << 17)
def _terms_of(word: str) -> tuple[str, ...]:
    parts = [part.lower() for part in _PART.findall(word[:_LONGEST])]
    stems = [_STEM(part) for part in parts if len(part) > 1 and part not in _COMMON]
    whole = word[:_LONGEST].strip("_").lower()
    return tuple(dict.fromkeys([*stems, whole] if len(parts) > 1 and whole not in _COMMON else stems))


@lru_cache(maxsize=1 << 17)
def _numbers_of(word: str) -> tuple[int, ...]:
    return tuple(number_terms(term) for part in _WORD.findall(word) for term in _terms_of(part))
