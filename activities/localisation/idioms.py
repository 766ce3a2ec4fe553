"""Phrases: what the rest of a repository says in a line, to be said once more where it is missing.

A fix is often code that stands elsewhere in the same repository already: Barr, Brun, Devanbu, Harman and
Sarro, "The Plastic Surgery Hypothesis", FSE 2014.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from activities.localisation.regions import list_blocks

_CHARACTERS = 90
_PHRASES = 4000
_SIMPLE = (ast.Assign, ast.AugAssign, ast.Return, ast.Raise)
_EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


@dataclass(frozen=True)
class Idiom:
    """A statement in one line, or a guard: a condition and the way out in a second one.

    `names` are the variables it reads, `words` all its identifiers.
    """

    lines: tuple[str, ...]
    names: frozenset[str]
    words: frozenset[str]


def find_idioms(trees: Iterable[ast.Module]) -> tuple[Idiom, ...]:
    """The phrases in the functions of some files, each once, in the order of the text."""
    found: dict[tuple[str, ...], Idiom] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for phrase in _within(node):
                    found.setdefault(phrase.lines, phrase)
    return tuple(found.values())[:_PHRASES]


def _within(owner: ast.AST) -> Iterator[Idiom]:
    for block, _ in list_blocks(owner):
        for node in block:
            match node:
                case ast.If(test=test, body=[only], orelse=[]) if isinstance(only, _EXITS):
                    yield from _phrase([f"if {ast.unparse(test)}:", f"\t{ast.unparse(only)}"], node)
                case ast.Expr(value=ast.Call()) | ast.Delete():
                    yield from _phrase([ast.unparse(node)], node)
                case ast.stmt() if isinstance(node, _SIMPLE):
                    yield from _phrase([ast.unparse(node)], node)
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _within(node)


def _phrase(lines: list[str], node: ast.stmt) -> Iterator[Idiom]:
    if all(len(line) <= _CHARACTERS and "\n" not in line for line in lines):
        walked = list(ast.walk(node))
        names = {one.id for one in walked if isinstance(one, ast.Name)}
        read = {one.id for one in walked if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
        attributes = {one.attr for one in walked if isinstance(one, ast.Attribute)}
        yield Idiom(tuple(lines), frozenset(read), frozenset(names | attributes))
