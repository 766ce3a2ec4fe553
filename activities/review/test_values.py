"""The values that the target tests put in and expect, and those that stand elsewhere."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from activities.code.mentions import name_test_function
from activities.code.test_regions import is_test_name
from activities.review.changes import Function, list_units, read_tree
from activities.review.literals import get_key, is_trivial, list_keys, list_numbers, make_key, occurs_in

_KEYS, _GROUPS, _CHARACTERS = 20_000, 5_000, 60_000
# Values of a statement with more than these do not belong to each other.
_TOGETHER = 40
_EXAMPLE = re.compile(r"^[ \t]*>>>.*\n(?:[ \t]*(?!>>>)\S.*\n?)*", re.M)


@dataclass(frozen=True)
class TestValues:
    """The keys of the literals in the target tests that say something.

    Those of a group, with what says little, stand in one example or one case.
    """

    __test__ = False

    keys: frozenset[str] = frozenset()
    groups: tuple[frozenset[str], ...] = field(default=(), repr=False)

    def use(self, key: str) -> bool:
        """Return whether a value stands in a test, however little it says."""
        return key in self.keys or any(key in group for group in self.groups)

    def belong_together(self, first: str, second: str) -> bool:
        """Return whether two values stand in one case of a test."""
        return any(first in group and second in group for group in self.groups)


NO_VALUES = TestValues()


def collect_values(sources: Mapping[str, str], tests: Collection[str]) -> TestValues:
    """Return the values in the tests of the given ids, with what of their files these use.

    `sources` are the texts of the files by path: those with the tests, and data files that these read. A Python file
    without any of the tests counts whole.
    """
    names = _name_functions(tests)
    groups: list[frozenset[str]] = []
    for path, text in sources.items():
        if len(text) > _CHARACTERS:
            continue
        for group in _read_python(text, names) if path.endswith(".py") else _read_data(text):
            groups.append(group)
            if len(groups) >= _GROUPS:
                break
    keys = dict.fromkeys(key for group in groups for key in group if not is_trivial(key))
    return TestValues(frozenset([*keys][:_KEYS]), tuple(groups))


def strip_tests(text: str, tests: Collection[str] = ()) -> str:
    """Return a source without its tests and the examples in its docstrings."""
    names = _name_functions(tests)
    tree = read_tree(text)
    lines = text.split("\n")
    for name, node in list_units(tree) if tree else ():
        if isinstance(node, Function) and (is_test_name(name) or node.name in names):
            for number in range(node.lineno - 1, min(node.end_lineno or node.lineno, len(lines))):
                lines[number] = ""
    return _EXAMPLE.sub("", "\n".join(lines))


class KnownText:
    """The text of a file and of the issue, in which a literal may stand besides the tests."""

    def __init__(self, text: str, issue: str, tests: Collection[str]) -> None:
        self._text = f"{strip_tests(text, tests)}\n{issue}"
        self._numbers = list_numbers(self._text)
        self._known: dict[str, bool] = {}

    def has(self, key: str) -> bool:
        """Return whether the value of a key stands there."""
        if key not in self._known:
            self._known[key] = key.removeprefix("-") in self._numbers or occurs_in(key, self._text)
        return self._known[key]


def _name_functions(tests: Collection[str]) -> set[str]:
    # Without the class, since a test may be inherited.
    return {name_test_function(test).rpartition(".")[2] for test in tests}


def _read_python(text: str, names: set[str]) -> Iterator[frozenset[str]]:
    tree = read_tree(text)
    if tree is None:
        return
    tests = [node for _, node in list_units(tree) if isinstance(node, Function) and node.name in names]
    parts: list[ast.AST] = [*tests, *_list_used(tree, tests)] if tests else [*tree.body]
    for node in parts:
        yield from _group(node)


def _list_used(tree: ast.Module, tests: Iterable[ast.AST]) -> list[ast.stmt]:
    """Return the statements of a module that bind what tests use: constants, helpers and fixtures."""
    homes: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        for name in _list_bound(statement):
            homes.setdefault(name, []).append(statement)
    used: dict[ast.stmt, None] = {}
    waiting: list[ast.AST] = [*tests]
    known = set(waiting)
    while waiting:
        for node in ast.walk(waiting.pop()):
            name = node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else ""
            for statement in homes.get(name, ()):
                if statement not in known:
                    known.add(statement)
                    used[statement] = None
                    waiting.append(statement)
    return [*used]


def _list_bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def _group(root: ast.AST) -> Iterator[frozenset[str]]:
    """Yield the values of a test that belong together: of each case of a table, of a statement, of a short test."""
    for node in ast.walk(root):
        match node:
            case ast.Dict(keys=keys, values=values):
                cases = [frozenset([get_key(key), get_key(value)]) for key, value in zip(keys, values, strict=True)]
                yield from (case - {""} for case in cases)
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                tuples = [item for item in elements if isinstance(item, ast.Tuple | ast.List | ast.Call)]
                yield from (frozenset(key for _, key in list_keys(item)) for item in tuples)
            case ast.stmt() if node is root or not hasattr(node, "body"):
                texts = frozenset(key for _, key in list_keys(node))
                together = len(texts) <= _TOGETHER and not isinstance(node, ast.ClassDef)
                yield from [texts] if together else (frozenset([text]) for text in texts)


def _read_data(text: str) -> Iterator[frozenset[str]]:
    """Yield the values of a data file: of each line of JSON, of a whole JSON document's entries, or of a row."""
    lines = text.split("\n")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        for line in lines:
            try:
                yield frozenset(_list_values(json.loads(line)))
            except (ValueError, RecursionError):
                yield frozenset(_list_values([_read_cell(cell) for cell in re.split(r"[,;\t]", line)]))
        return
    entries = document if isinstance(document, list) else [*document.items()] if isinstance(document, dict) else []
    yield from (frozenset(_list_values(entry)) for entry in entries)


def _read_cell(cell: str) -> object:
    cell = cell.strip()
    for kind in (int, float):
        try:
            return kind(cell)
        except (ValueError, OverflowError):
            continue
    return cell


def _list_values(value: object) -> Iterator[str]:
    waiting, left = [value], _KEYS
    while waiting and left > 0:
        item = waiting.pop()
        left -= 1
        with suppress(ValueError):
            yield make_key(item)
        match item:
            case list() | tuple():
                waiting += item
            case dict():
                waiting += [*item.keys(), *item.values()]
