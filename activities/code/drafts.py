"""Drafts of tests that a model writes: read, completed from the repository's own tests, bounded and screened."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from textwrap import dedent

from hydranet.contracts.expectations import DRAFT_CHARACTERS, Expectation, ExpectationKind
from hydranet.errors import HydraError

# A test of more statements, set-up included, is no reproduction of one issue.
_STATEMENTS = 60
_ANSWER_CHARACTERS = 8_000
# An answer that was cut at its last token still parses without its last lines.
_CUT_LINES = 12

_BUILTINS = frozenset(dir(builtins))
# What reaches beyond the code under test, or gives another result at another time. The sandbox is what confines a draft
# while it is judged; this is for the test that is published.
_REFUSED_MODULES = frozenset(
    "asyncio atexit builtins code codecs ctypes fcntl ftplib gc glob http importlib inspect marshal mmap "
    "multiprocessing os pathlib pickle pkgutil platform pty random requests resource runpy secrets select shutil "
    "signal site smtplib socket sqlite3 ssl subprocess sys tempfile threading time urllib uuid webbrowser".split()
)
_REFUSED_CALLS = frozenset(
    "open exec eval compile __import__ input breakpoint globals locals vars setattr delattr exit quit".split()
)
_REFUSED_ATTRIBUTES = frozenset("now open today utcnow skip xfail fail exit patch setattr mock".split())
_KNOWN_DUNDERS = frozenset({"__class__", "__name__", "__doc__"})


class DraftError(HydraError):
    """A draft that cannot be used; it is left out, and the run goes on."""


@dataclass(frozen=True)
class Definitions:
    """The module-level definitions and imports of test files by name, from which drafts take what they use."""

    nodes: Mapping[str, ast.stmt] = field(default_factory=dict)

    @classmethod
    def read(cls, sources: Iterable[str], code: Iterable[str] = ()) -> Definitions:
        """Return the definitions of several files of tests, and the imports of the `code`; those of a later one win."""
        nodes: dict[str, ast.stmt] = {}
        for source in code:
            definitions = _read_definitions(source)
            nodes |= {name: node for name, node in definitions.items() if isinstance(node, ast.Import)}
        for source in sources:
            nodes |= _read_definitions(source)
        return cls(nodes)

    def complete(self, function: ast.FunctionDef) -> list[ast.stmt]:
        """Return the statements that define what a test uses, imports first, fixtures called."""
        imports: list[ast.stmt] = []
        setup: list[ast.stmt] = []
        done: set[str] = set()

        def add(name: str) -> None:
            node = self.nodes.get(name)
            if node is None or name in done:
                return
            done.add(name)
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports.append(node)
                return
            for needed in _list_free(node):
                add(needed)
            if isinstance(node, ast.FunctionDef) and _is_fixture(node):
                setup.extend(_call_fixture(node))
            else:
                setup.append(node)

        for name in _list_free(function):
            add(name)
        bound = {
            node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        unknown = [argument for argument in _list_arguments(function) if argument not in done | bound]
        if unknown:
            raise DraftError(f"it takes {unknown[0]}, which no fixture of the tests beside it makes")
        return [*imports, *setup]


def read_drafts(code: str, helpers: Definitions, source: str) -> list[Expectation]:
    """Return the tests in a block of code as expectations; DraftError where none can be used.

    `source` is what they are called. What they use of `helpers` becomes part of their set-up.
    """
    tree = _parse(code)
    own = Definitions({**helpers.nodes, **dict(_list_definitions(tree))})
    tests = list(_list_tests(tree)) or _wrap_statements(tree)
    if not tests:
        raise DraftError("it has no test function")
    drafts: list[Expectation] = []
    problem = DraftError("")
    for test in tests:
        try:
            drafts.append(_make_expectation(test, code, own, source))
        except DraftError as error:
            problem = error
        except RecursionError:
            problem = DraftError("it is too deeply nested")
    if not drafts:
        raise problem
    return drafts


def _make_expectation(test: ast.FunctionDef, code: str, definitions: Definitions, source: str) -> Expectation:
    given = _read_parameters(test)
    imports = [node for node in test.body if isinstance(node, ast.Import | ast.ImportFrom)]
    body = [node for node in _drop_docstring(test.body) if node not in imports]
    if not body:
        raise DraftError("it asserts nothing")
    test = ast.FunctionDef(test.name, test.args, [*given, *body], [], lineno=0)
    own = dict(_list_definitions(ast.Module(list(imports), [])))
    setup = [*Definitions({**definitions.nodes, **own}).complete(test), *given]
    _screen([*setup, *body])
    if not any(_is_check(node) for statement in body for node in ast.walk(statement)):
        raise DraftError("it asserts nothing")
    texts = "\n".join(map(ast.unparse, setup)), _quote(body, code)
    if sum(map(len, texts)) > DRAFT_CHARACTERS:
        raise DraftError(f"it is longer than {DRAFT_CHARACTERS} characters")
    return Expectation(kind=ExpectationKind.RUNS, setup=texts[0], code=texts[1], source=source)


def _read_parameters(test: ast.FunctionDef) -> list[ast.stmt]:
    """Return the first case of a test with parameters, as the statements that set them."""
    match test.decorator_list:
        case []:
            return []
        case [ast.Call(func=ast.Attribute(attr="parametrize"), args=[ast.Constant(value=str() as names), cases])]:
            words = [name.strip() for name in names.split(",") if name.strip()]
            values = cases.elts[0] if isinstance(cases, ast.List | ast.Tuple) and cases.elts else None
            target: list[ast.expr] = [ast.Name(name, ast.Store()) for name in words]
            if values is not None and words and all(word.isidentifier() for word in words):
                left = target[0] if len(target) == 1 else ast.Tuple(target, ast.Store())
                return [ast.Assign([left], values, lineno=0)]
    raise DraftError("its test is decorated")


def _parse(code: str) -> ast.Module:
    lines = dedent(code[:_ANSWER_CHARACTERS]).rstrip().split("\n")
    reason = "it is empty"
    for end in range(len(lines), max(0, len(lines) - _CUT_LINES), -1):
        try:
            return ast.parse("\n".join(lines[:end]))
        except SyntaxError as error:
            reason = f"it is no Python ({error.msg})"
        except (ValueError, RecursionError, MemoryError):
            break
    raise DraftError(reason)


def _list_tests(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        for function in inner:
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test"):
                yield function


def _read_definitions(source: str) -> dict[str, ast.stmt]:
    try:
        return dict(_list_definitions(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}


def _wrap_statements(tree: ast.Module) -> list[ast.FunctionDef]:
    """Return the test of an answer that has only its body."""
    definitions = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    body = [node for node in tree.body if not isinstance(node, definitions)]
    if not any(isinstance(node, ast.Assert | ast.With) for node in body):
        return []
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return [ast.FunctionDef("test_issue", nothing, body, [], lineno=0)]


def _list_definitions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for node in tree.body:
        match node:
            case ast.Import(names=names):
                yield from ((name.asname or name.name.partition(".")[0], ast.Import([name])) for name in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                yield from ((name.asname or name.name, ast.ImportFrom(module, [name], level)) for name in names)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if not name.lower().startswith("test"):
                yield name, node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                yield name, node


def _list_free(node: ast.stmt) -> list[str]:
    """Return the names that a definition reads from around it; those of its decorators run where it is a fixture."""
    is_function = isinstance(node, ast.FunctionDef)
    names = [
        name
        for part in (node.body if isinstance(node, ast.FunctionDef) else [node])
        for name in ast.walk(part)
        if isinstance(name, ast.Name)
    ]
    bound = {name.id for name in names if isinstance(name.ctx, ast.Store)} if is_function else set()
    arguments = _list_arguments(node) if isinstance(node, ast.FunctionDef) else []
    read = [name.id for name in names if isinstance(name.ctx, ast.Load)]
    return [name for name in dict.fromkeys([*arguments, *read]) if name not in bound | _BUILTINS]


def _list_arguments(function: ast.FunctionDef) -> list[str]:
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return names[1:] if names[:1] == ["self"] else names


def _is_fixture(function: ast.FunctionDef) -> bool:
    return any("fixture" in ast.unparse(decorator) for decorator in function.decorator_list)


def _call_fixture(fixture: ast.FunctionDef) -> Iterator[ast.stmt]:
    """Yield a fixture as a function without parameters, since those are names in the same test, and its call."""
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(fixture)):
        raise DraftError(f"it takes the fixture {fixture.name}, which yields")
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    yield ast.FunctionDef(f"make_{fixture.name}", nothing, fixture.body, [], lineno=0)
    call = ast.Call(ast.Name(f"make_{fixture.name}", ast.Load()), [], [])
    yield ast.Assign([ast.Name(fixture.name, ast.Store())], call, lineno=0)


def _screen(statements: list[ast.stmt]) -> None:
    nodes = [node for statement in statements for node in ast.walk(statement)]
    if sum(isinstance(node, ast.stmt) for node in nodes) > _STATEMENTS:
        raise DraftError(f"it has more than {_STATEMENTS} statements")
    imported = {name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for name in _list_bound(node)}
    for node in nodes:
        if reason := _find_reach(node, imported):
            raise DraftError(reason)


def _list_bound(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [alias.asname or alias.name.partition(".")[0] for alias in node.names]


def _find_reach(node: ast.AST, imported: set[str]) -> str:
    """Return what a node does that no test of an issue needs, or nothing."""
    match node:
        case ast.Import(names=names):
            modules = [name.name for name in names]
        case ast.ImportFrom(module=module, names=names):
            modules = [module or "", *(f"{module}.{name.name}" for name in names)]
        case _:
            modules = []
    for module in modules:
        if module.partition(".")[0] in _REFUSED_MODULES or module.startswith("unittest.mock"):
            return f"it imports {module}"
    match node:
        case ast.alias(name="*"):
            return "it imports all names of a module"
        case ast.Call(func=ast.Name(id=name)) if name in _REFUSED_CALLS:
            return f"it calls {name}"
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in _REFUSED_ATTRIBUTES:
            return f"it uses {name}"
        case ast.Attribute(attr=name) if name.startswith("__") and name not in _KNOWN_DUNDERS:
            return f"it uses {name}"
        case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()) if name in imported:
            return f"it changes {name}"
        case ast.Raise():
            return "it raises an error itself"
        case ast.Global() | ast.Nonlocal() | ast.AsyncFunctionDef() | ast.Await():
            return "it is no plain function"
        case ast.Constant(value=value) if value is ...:
            return "it leaves out a value"
        case ast.Assert(test=test) if not any(isinstance(inner, ast.Name) for inner in ast.walk(test)):
            return "it asserts what has nothing to do with the code"
    return ""


def _is_check(node: ast.AST) -> bool:
    match node:
        case ast.Assert():
            return True
        case ast.Call(func=ast.Attribute(attr=name)):
            return name == "raises" or name.startswith("assert")
    return False


def _drop_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if is_docstring else body


def _quote(body: list[ast.stmt], code: str) -> str:
    """Return statements as they were written, unless their lines are not their own."""
    lines = dedent(code[:_ANSWER_CHARACTERS]).split("\n")
    own = dedent("\n".join(lines[body[0].lineno - 1 : body[-1].end_lineno]))
    plain = "\n".join(map(ast.unparse, body))
    try:
        return own if ast.dump(ast.parse(own)) == ast.dump(ast.Module(body, [])) else plain
    except SyntaxError:
        return plain
