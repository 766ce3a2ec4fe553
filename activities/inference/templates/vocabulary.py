"""The vocabulary of a repository: the identifiers and short strings it uses, to find slips of the pen."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

# How alike two words must be for one to be a misspelling of the other.
_ALIKE = 0.7
_LONGEST = 40


@dataclass(frozen=True)
class Vocabulary:
    """The words of the files that were read, and those that error messages quote."""

    words: tuple[str, ...] = ()
    quoted: frozenset[str] = frozenset()

    def near(self, word: str) -> list[tuple[str, float]]:
        """Up to five words that `word` may be a misspelling of, with their likeness in 0..1, nearest first."""
        found = process.extract(
            word, self.words, scorer=DamerauLevenshtein.normalized_similarity, score_cutoff=_ALIKE, limit=6
        )
        return [(other, likeness) for other, likeness, _ in found if other != word][:5]


def likeness(word: str, other: str) -> float:
    """How alike two words are, in 0..1."""
    return float(DamerauLevenshtein.normalized_similarity(word, other))


def words(trees: Iterable[ast.Module]) -> tuple[str, ...]:
    """The identifiers and short strings of some files, each once, sorted."""
    return tuple(sorted({word for tree in trees for node in ast.walk(tree) for word in _words(node)}))


def _words(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(attr=word) | ast.Name(id=word) | ast.arg(arg=word) | ast.Constant(value=str(word)):
            if 2 < len(word) <= _LONGEST:
                yield word
        case ast.FunctionDef(name=word) | ast.AsyncFunctionDef(name=word) | ast.ClassDef(name=word):
            yield word
