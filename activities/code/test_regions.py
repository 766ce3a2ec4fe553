"""The test regions of a source file: the parts that judge the program around them.

These are test functions and classes, fixtures and hooks, what only they use to judge, and the examples in docstrings.
"""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass

from activities.code.python_source import parse_source

_PROMPT = ">>>"
_TEST_FUNCTION = re.compile(r"test(?:_|[A-Z]|$)")
_TEST_CLASS = re.compile(r"Test|.*(?:Tests|TestCase)$")
# Names that pytest, unittest and doctest look up in a module.
_HOOK = re.compile(
    r"pytest_\w+|pytestmark|collect_ignore(?:_glob)?|__test__|load_tests|(?:setUp|tearDown)Module"
    r"|(?:setup|teardown)_(?:module|function|class|method)"
)
_JUDGE = re.compile(r"_*(?:assert|check|verify|expect|ensure|should|compare)(?:_|[A-Z]|$)", re.IGNORECASE)
_RUNNERS = {"doctest", "unittest", "pytest"}

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class TestRegion:
    """One test region: what it is called in a sentence, and its content without its place in the file."""

    __test__ = False

    title: str
    content: str


def list_test_regions(source: str, tests: Collection[str] = ()) -> list[TestRegion] | None:
    """Return the test regions of a Python source in their order; None when it has syntax errors, or is too deep.

    `tests` are names of test functions and classes besides those with a usual name.
    """
    tree = parse_source(source)
    if tree is None:
        return None
    with suppress(RecursionError):
        return [*_list_examples(tree), *_list_tests(tree, tests)]
    return None


def holds_program(source: str, tests: Collection[str] = ()) -> bool:
    """Return whether a file with tests holds what they test: definitions of its own that its test regions use."""
    tree = parse_source(source)
    if tree is None:
        return False
    with suppress(RecursionError):
        regions = [node for node in tree.body if _is_test(node, tests)]
        program = {node.name for node in tree.body if isinstance(node, _Definition) and not _is_test(node, tests)}
        program = {name for name in program if not _JUDGE.match(name)}
        return bool(program and list(_list_examples(tree))) or bool(program & _list_names(regions))
    return False


def is_test_name(symbol: str) -> bool:
    """Return whether a qualified name is that of a test, or of something in one."""
    name = symbol.partition(".")[0]
    return bool(_TEST_FUNCTION.match(name) or _TEST_CLASS.match(name))


def _list_examples(tree: ast.Module) -> Iterator[TestRegion]:
    for name, node in [("the module", tree), *_list_definitions(tree, "")]:
        docstring = ast.get_docstring(node, clean=False) or ""
        if _PROMPT not in docstring:
            continue
        try:
            examples = doctest.DocTestParser().get_examples(docstring)
        except ValueError:
            content = docstring
        else:
            content = repr([(example.source, example.want, example.exc_msg) for example in examples])
        yield TestRegion(f"the examples of {name}", content)


def _list_definitions(node: ast.AST, owner: str) -> Iterator[tuple[str, _Definition]]:
    for child in ast.iter_child_nodes(node):
        name = owner
        if isinstance(child, _Definition):
            name = f"{owner}.{child.name}" if owner else child.name
            yield name, child
        if isinstance(child, ast.stmt | ast.excepthandler):
            yield from _list_definitions(child, name)


def _list_tests(tree: ast.Module, tests: Collection[str]) -> Iterator[TestRegion]:
    judges = _list_judges(tree, tests)
    for node in _list_top_level(tree):
        names = _list_bound(node)
        if _is_test(node, tests) or names & judges:
            yield TestRegion(min(names, default="a check of the module"), ast.dump(node))


def _list_top_level(node: ast.AST) -> Iterator[ast.stmt]:
    # With what stands in an `if` or `try` of the module, but not the branches' heads.
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.If | ast.Try | ast.With | ast.excepthandler) and not _runs_tests(child):
            yield from _list_top_level(child)


def _list_judges(tree: ast.Module, tests: Collection[str]) -> set[str]:
    """Return the helpers and expected values that test functions, or other such helpers, use and nothing else does."""
    judges: set[str] = set()
    while True:
        regions = [node for node in tree.body if _is_test(node, tests) or _list_bound(node) & judges]
        program = [node for node in tree.body if node not in regions]
        used = _list_names(regions) - _list_names(program)
        more = {
            name
            for node in program
            for name in _list_bound(node) & used
            if isinstance(node, ast.Assign | ast.AnnAssign) or _JUDGE.match(name)
        }
        if not more:
            return judges
        judges |= more


def _is_test(node: ast.AST, tests: Collection[str]) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            named = node.name in tests or _TEST_FUNCTION.match(node.name) or _HOOK.fullmatch(node.name)
            return bool(named) or any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
        case ast.ClassDef():
            bases = " ".join(ast.unparse(base) for base in node.bases)
            return node.name in tests or bool(_TEST_CLASS.match(node.name)) or "TestCase" in bases
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Delete():
            names = _list_bound(node)
            return any(name in tests or _TEST_FUNCTION.match(name) or _HOOK.fullmatch(name) for name in names)
        case ast.Assert():
            return True
        case ast.If():
            return _runs_tests(node)
    return False


def _runs_tests(node: ast.AST) -> bool:
    # The block that runs the tests when the file is run as a program.
    if not isinstance(node, ast.If) or "__name__" not in _list_names([node.test]):
        return False
    return bool(_list_names(node.body) & _RUNNERS) or any(isinstance(inner, ast.Assert) for inner in ast.walk(node))


def _list_bound(node: ast.AST) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            return {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def _list_names(nodes: Collection[ast.AST]) -> set[str]:
    return {
        inner.id
        for node in nodes
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load)
    }
