"""The vocabulary of a repository: its identifiers, short strings, signatures and idioms."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from activities.localisation.regions import EXITS, DefinitionNode, FunctionNode, list_blocks
from activities.localisation.source import collect_identifiers

# Two words at least this similar, in 0..1, may be misspellings of each other: about 2 edits in 7 letters.
_MIN_SIMILARITY = 0.7
# Characters of a word. A longer string is a message, not a key.
_MAX_CHARACTERS = 40
# Characters of an idiom's line, and idioms in all: each is compared with every region that is repaired.
_LINE_CHARACTERS = 90
_IDIOMS = 4000

_SIMPLE = (ast.Assign, ast.AugAssign, ast.Return, ast.Raise)


@dataclass(frozen=True)
class Idiom:
    """A one-line statement, or a guard: a condition and a second line with an exit.

    `names` are the variables it reads, `words` all its identifiers. A fix is often code that the same repository
    has elsewhere: Barr, Brun, Devanbu, Harman and Sarro, "The Plastic Surgery Hypothesis", FSE 2014.
    """

    lines: tuple[str, ...]
    names: frozenset[str]
    words: frozenset[str]


@dataclass(frozen=True)
class Vocabulary:
    """The words and idioms of the parsed files, and the names quoted in error messages.

    `members` are the attributes and methods defined by classes, `signatures` the parameters of functions and
    classes by name (without `self`), `flags` the parameters whose default is True or False.
    """

    words: tuple[str, ...] = ()
    quoted_names: frozenset[str] = frozenset()
    members: tuple[str, ...] = ()
    signatures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    flags: Mapping[str, tuple[tuple[str, bool], ...]] = field(default_factory=dict)
    idioms: tuple[Idiom, ...] = ()

    @classmethod
    def from_trees(cls, trees: Iterable[ast.Module], quoted_names: frozenset[str] = frozenset()) -> "Vocabulary":
        """Collect the vocabulary of some files."""
        parsed = list(trees)
        return cls(
            collect_words(parsed),
            quoted_names,
            _collect_members(parsed),
            _collect_signatures(parsed),
            _collect_flags(parsed),
            collect_idioms(parsed),
        )

    def find_similar(self, word: str) -> list[tuple[str, float]]:
        """Return up to five likely spellings of `word` with their similarity in 0..1, most similar first."""
        matches = process.extract(
            word, self.words, scorer=DamerauLevenshtein.normalized_similarity, score_cutoff=_MIN_SIMILARITY, limit=6
        )
        return [(other, similarity) for other, similarity, _ in matches if other != word][:5]


def measure_similarity(word: str, other: str) -> float:
    """Return the normalised Damerau-Levenshtein similarity of two words, in 0..1."""
    return float(DamerauLevenshtein.normalized_similarity(word, other))


def collect_words(trees: Iterable[ast.Module]) -> tuple[str, ...]:
    """Return the distinct identifiers and short strings of some files, sorted."""
    return tuple(sorted({word for tree in trees for node in ast.walk(tree) for word in _get_words(node)}))


def collect_idioms(trees: Iterable[ast.Module]) -> tuple[Idiom, ...]:
    """Return the distinct idioms in the functions of some files, in source order."""
    idioms: dict[tuple[str, ...], Idiom] = {}
    for node in _walk_trees(trees):
        if isinstance(node, FunctionNode):
            for idiom in _collect_idioms(node):
                idioms.setdefault(idiom.lines, idiom)
    return tuple(idioms.values())[:_IDIOMS]


def _walk_trees(trees: Iterable[ast.Module]) -> Iterator[ast.AST]:
    for tree in trees:
        yield from ast.walk(tree)


def _get_words(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(attr=word) | ast.Name(id=word) | ast.arg(arg=word) | ast.Constant(value=str(word)):
            if 2 < len(word) <= _MAX_CHARACTERS:
                yield word
        case ast.FunctionDef(name=word) | ast.AsyncFunctionDef(name=word) | ast.ClassDef(name=word):
            yield word


def _collect_members(trees: list[ast.Module]) -> tuple[str, ...]:
    members: dict[str, None] = {}
    for owner in _walk_trees(trees):
        if not isinstance(owner, ast.ClassDef):
            continue
        for node in ast.walk(owner):
            match node:
                case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                    members.setdefault(name)
                case ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)) if node in owner.body:
                    members.setdefault(name)
    return tuple(name for name in members if not name.startswith("__"))


def _collect_signatures(trees: list[ast.Module]) -> dict[str, tuple[str, ...]]:
    signatures: dict[str, tuple[str, ...]] = {}
    for node in _walk_trees(trees):
        match node:
            case ast.FunctionDef(name=name, args=spec) | ast.AsyncFunctionDef(name=name, args=spec):
                parameters = [parameter.arg for parameter in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
                signatures.setdefault(name, tuple(name for name in parameters if name not in ("self", "cls")))
            case ast.ClassDef(name=name, body=body):
                signatures.setdefault(name, tuple(_list_constructor_parameters(body)))
    return signatures


def _list_constructor_parameters(body: list[ast.stmt]) -> list[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return [parameter.arg for parameter in (*node.args.args[1:], *node.args.kwonlyargs)]
    # Without a constructor the annotated fields are taken for those of a dataclass.
    return [node.target.id for node in body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]


def _collect_flags(trees: list[ast.Module]) -> dict[str, tuple[tuple[str, bool], ...]]:
    flags: dict[str, tuple[tuple[str, bool], ...]] = {}
    for node in _walk_trees(trees):
        if isinstance(node, FunctionNode):
            spec = node.args
            positional = [*spec.posonlyargs, *spec.args]
            pairs: list[tuple[ast.arg, ast.expr | None]] = [
                *zip(reversed(positional), reversed(spec.defaults), strict=False),
                *zip(spec.kwonlyargs, spec.kw_defaults, strict=True),
            ]
            booleans = [(p.arg, d.value) for p, d in pairs if isinstance(d, ast.Constant) and isinstance(d.value, bool)]
            if booleans:
                flags.setdefault(node.name, tuple(booleans))
    return flags


def _collect_idioms(owner: ast.AST) -> Iterator[Idiom]:
    for block, _ in list_blocks(owner):
        for node in block:
            match node:
                case ast.If(test=test, body=[only], orelse=[]) if isinstance(only, EXITS):
                    yield from _make_idiom([f"if {ast.unparse(test)}:", f"\t{ast.unparse(only)}"], node)
                case ast.Expr(value=ast.Call()) | ast.Delete():
                    yield from _make_idiom([ast.unparse(node)], node)
                case ast.stmt() if isinstance(node, _SIMPLE):
                    yield from _make_idiom([ast.unparse(node)], node)
            if not isinstance(node, DefinitionNode):
                yield from _collect_idioms(node)


def _make_idiom(lines: list[str], node: ast.stmt) -> Iterator[Idiom]:
    if all(len(line) <= _LINE_CHARACTERS and "\n" not in line for line in lines):
        walked = list(ast.walk(node))
        read = {name.id for name in walked if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)}
        yield Idiom(tuple(lines), frozenset(read), frozenset(collect_identifiers(walked)))
