"""Lexical vectors: texts as vectors without a model, by the words in them and the pieces of these words.

They find what is spelled alike, such as "serialise" beside "Serializer", and know no meaning. A vector counts
features that are hashed into its dimensions (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning",
2009): the words of the text, names taken apart, and the trigrams of each word.
"""

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

MODEL = "lexical"
"""The name under which the store keeps them."""

DIMENSIONS = 384

_WORD = re.compile(r"[^\W\d]\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_LONGEST = 100
_GRAM = 3
_GRAM_WEIGHT = 0.5


def count_features(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the features of each text, a row of float32; how rare they are is for `weighted` to take in."""
    rows = np.zeros((len(texts), DIMENSIONS), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word, times in Counter(_WORD.findall(text)).items():
            dimensions, weights = _features(word)
            row[dimensions] += weights * np.float32(1 + np.log(times))
    return rows


def measure_rarity(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the inverse document frequency of each dimension over the rows of `counts`."""
    used = np.count_nonzero(rows, axis=0)
    return np.asarray(np.log1p(len(rows) / (1 + used)), np.float32)


def weigh_vectors(rows: NDArray[np.float32], rarity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows of `counts` weighted by `rarity`, each of length 1, or of zeros where it has no feature."""
    rows = rows * rarity
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)


@lru_cache(maxsize=1 << 17)
def _features(word: str) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Give each dimension a sign by a hash too, so that collisions cancel out."""
    features: defaultdict[int, float] = defaultdict(float)
    for part in _PART.findall(word[:_LONGEST]):
        lowered = f"<{part.lower()}>"
        features[zlib.crc32(lowered.encode())] += 1
        for start in range(len(lowered) - _GRAM + 1):
            features[zlib.crc32(lowered[start : start + _GRAM].encode())] += _GRAM_WEIGHT
    totals: defaultdict[int, float] = defaultdict(float)
    for feature, weight in features.items():
        totals[feature % DIMENSIONS] += weight if feature >> 31 else -weight
    return np.array(list(totals), np.intp), np.array(list(totals.values()), np.float32)
