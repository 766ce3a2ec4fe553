"""The vocabulary of a repository: its identifiers and short strings, and how its functions are called."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from activities.localisation.idioms import Idiom, find_idioms

# How alike two words must be for one to be a misspelling of the other.
_ALIKE = 0.7
_LONGEST = 40


@dataclass(frozen=True)
class Vocabulary:
    """The words of the files that were read, and those that error messages quote.

    `members` are the attributes and methods that classes define, `signatures` the parameters of functions
    and classes by name (without `self`), `flags` those that are True or False where nothing is said, `phrases`
    what functions say in a line.
    """

    words: tuple[str, ...] = ()
    quoted: frozenset[str] = frozenset()
    members: tuple[str, ...] = ()
    signatures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    flags: Mapping[str, tuple[tuple[str, bool], ...]] = field(default_factory=dict)
    phrases: tuple[Idiom, ...] = ()

    @classmethod
    def of(cls, trees: Iterable[ast.Module], quoted: frozenset[str] = frozenset()) -> "Vocabulary":
        """The vocabulary of some files."""
        read = list(trees)
        return cls(split_words(read), quoted, _members(read), _signatures(read), _flags(read), find_idioms(read))

    def near(self, word: str) -> list[tuple[str, float]]:
        """Up to five words that `word` may be a misspelling of, with their likeness in 0..1, nearest first."""
        found = process.extract(
            word, self.words, scorer=DamerauLevenshtein.normalized_similarity, score_cutoff=_ALIKE, limit=6
        )
        return [(other, likeness) for other, likeness, _ in found if other != word][:5]


def measure_likeness(word: str, other: str) -> float:
    """How alike two words are, in 0..1."""
    return float(DamerauLevenshtein.normalized_similarity(word, other))


def split_words(trees: Iterable[ast.Module]) -> tuple[str, ...]:
    """The identifiers and short strings of some files, each once, sorted."""
    return tuple(sorted({word for tree in trees for node in ast.walk(tree) for word in _words(node)}))


def _words(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(attr=word) | ast.Name(id=word) | ast.arg(arg=word) | ast.Constant(value=str(word)):
            if 2 < len(word) <= _LONGEST:
                yield word
        case ast.FunctionDef(name=word) | ast.AsyncFunctionDef(name=word) | ast.ClassDef(name=word):
            yield word


def _members(trees: list[ast.Module]) -> tuple[str, ...]:
    """What classes define, in the order of the text, without what is private to all the world."""
    found: dict[str, None] = {}
    for owner in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        for node in ast.walk(owner):
            match node:
                case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                    found.setdefault(name)
                case ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)) if node in owner.body:
                    found.setdefault(name)
    return tuple(name for name in found if not name.startswith("__"))


def _signatures(trees: list[ast.Module]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for node in (node for tree in trees for node in ast.walk(tree)):
        match node:
            case ast.FunctionDef(name=name, args=given) | ast.AsyncFunctionDef(name=name, args=given):
                taken = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
                found.setdefault(name, tuple(one for one in taken if one not in ("self", "cls")))
            case ast.ClassDef(name=name, body=body):
                fields = [name for one in body for name in _field(one)]
                made = [one for one in body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
                if made:
                    fields = [one.arg for one in (*made[0].args.args[1:], *made[0].args.kwonlyargs)]
                found.setdefault(name, tuple(fields))
    return found


def _flags(trees: list[ast.Module]) -> dict[str, tuple[tuple[str, bool], ...]]:
    found: dict[str, tuple[tuple[str, bool], ...]] = {}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            taken = [*given.posonlyargs, *given.args]
            pairs = [*zip(reversed(taken), reversed(given.defaults), strict=False)]
            pairs += [
                (one, default) for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default
            ]
            flags = [(o.arg, d.value) for o, d in pairs if isinstance(d, ast.Constant) and isinstance(d.value, bool)]
            if flags:
                found.setdefault(node.name, tuple(flags))
    return found


def _field(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
