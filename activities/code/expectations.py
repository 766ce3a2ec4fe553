"""Expectations as Python: what a person has written, and the names that it needs from the repository."""

import ast
import builtins
from collections.abc import Iterator

from hydranet.contracts.expectations import Expectation, ExpectationKind
from hydranet.errors import UsageError

_BUILTINS = frozenset(dir(builtins))


def read_expectation(kind: ExpectationKind, text: str, source: str) -> Expectation:
    """Return the expectation that a person has written; UsageError where it is no Python of its kind.

    An expression that is to raise comes behind the exception: "ValueError: parse('')".
    """
    text, exception = text.strip(), ""
    if kind is ExpectationKind.RAISES:
        exception, colon, text = (part.strip() for part in text.partition(":"))
        if not colon or not _is_name(exception):
            raise UsageError(f"{source} is to name an exception and an expression, as in \"ValueError: parse('')\".")
    if not text:
        raise UsageError(f'{source} is empty: write Python, as in "total([1]) == 1".')
    try:
        ast.parse(text, mode="exec" if kind is ExpectationKind.SCRIPT else "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        place = f" at column {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        form = "a Python script" if kind is ExpectationKind.SCRIPT else "one Python expression"
        raise UsageError(f"{source} is not {form} ({reason}{place}): correct it.") from None
    return Expectation(kind=kind, code=text, exception=exception, source=source)


def list_free_names(expectation: Expectation) -> list[str]:
    """Return the names that have to come from elsewhere, each once, dotted as far as it is a plain attribute."""
    if expectation.kind is ExpectationKind.SCRIPT:
        return []
    tree = ast.parse("\n".join(filter(None, (expectation.setup, expectation.exception, expectation.code))))
    bound = set(_list_bound(tree))
    names = [name for name in _list_dotted(tree) if name.partition(".")[0] not in _BUILTINS | bound]
    return list(dict.fromkeys(names))


def _list_bound(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.ExceptHandler(name=str() as name):
                yield name


def _list_dotted(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that are read, the whole of each only."""
    for child in ast.iter_child_nodes(tree):
        dotted = _join_dotted(child)
        if dotted is None:
            yield from _list_dotted(child)
        else:
            yield dotted


def _join_dotted(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            return name
        case ast.Attribute(value=value, attr=attribute):
            above = _join_dotted(value)
            return f"{above}.{attribute}" if above else None
    return None


def _is_name(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))
