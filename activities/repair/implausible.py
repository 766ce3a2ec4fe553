"""Oddities: code that a person would hardly write, a sign that a change fits the tests by accident."""

import ast
from collections.abc import Collection, Iterator

_ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
# Operators that make sense with the same operand twice, as a double or a square.
_MEANINGFUL_WITH_SELF = (ast.Add, ast.Mult, ast.Pow, ast.MatMult)
# Functions that are called with the same argument twice for a reason.
_TAKE_REPEATED = {"zip", "product", "isinstance", "range", "replace", "getattr"}


def find_oddities(tree: ast.AST, predicates: Collection[str] = ()) -> frozenset[str]:
    """Return a comparable description of each oddity in a tree; `predicates` are functions that return a bool."""
    return frozenset(oddity for node in ast.walk(tree) for oddity in _describe_oddities(node, predicates))


def find_predicates(tree: ast.AST) -> frozenset[str]:
    """Return the functions that return a bool by their annotation or by all their results."""
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _is_predicate(node))


def _is_predicate(function: ast.FunctionDef) -> bool:
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    return getattr(function.returns, "id", "") == "bool" or (
        bool(returned) and all(value is not None and _is_boolean(value, ()) for value in returned)
    )


def _describe_oddities(node: ast.AST, predicates: Collection[str]) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from (f"{node.name} never reads {name}" for name in _list_unread_names(node))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            if _are_same(left, right):
                yield f"compares {ast.dump(left)} with itself"
            if isinstance(op, _ORDERINGS) and (_is_boolean(left, predicates) or _is_boolean(right, predicates)):
                yield f"orders {ast.dump(node)} by truth"
        case ast.BinOp(left=left, op=op, right=right) if not isinstance(op, _MEANINGFUL_WITH_SELF) and _are_same(
            left, right
        ):
            yield f"combines {ast.dump(left)} with itself"
        case ast.BoolOp(values=[left, right]) if _are_same(left, right):
            yield f"says {ast.dump(left)} twice"
        case ast.Slice(lower=ast.expr() as lower, upper=ast.expr() as upper) if ast.dump(lower) == ast.dump(upper):
            yield f"takes nothing from {ast.dump(lower)} on"
        case ast.Assign(targets=[target], value=value) if ast.unparse(target) == ast.unparse(value):
            yield f"assigns {ast.unparse(value)} to itself"
        case ast.Call(func=func, args=args):
            yield from _describe_repeated_arguments(func, args)


def _describe_repeated_arguments(func: ast.expr, args: list[ast.expr]) -> Iterator[str]:
    called = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    passed = [ast.dump(argument) for argument in args if isinstance(argument, ast.Name | ast.Attribute)]
    if called not in _TAKE_REPEATED and len(set(passed)) < len(passed):
        yield f"passes {called} the same twice: {sorted(passed)}"
    if isinstance(func, ast.Attribute) and ast.dump(func.value) in passed:
        yield f"passes {called} its own object"


def _list_unread_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    spec = function.args
    bound = {parameter.arg for parameter in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)}
    read: set[str] = set()
    for node in ast.walk(function):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                bound.add(name)
            case ast.Name(id=name):
                read.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                read.update(names)
            # A target may only count the rounds.
            case ast.For(target=target) | ast.comprehension(target=target):
                read.update(name.id for name in ast.walk(target) if isinstance(name, ast.Name))
    if "locals" not in read:
        yield from sorted(bound - read - {"self", "cls"})


def _is_boolean(node: ast.expr, predicates: Collection[str]) -> bool:
    match node:
        case ast.Compare() | ast.UnaryOp(op=ast.Not()) | ast.Constant(value=bool()):
            return True
        case ast.BoolOp(values=values):
            return all(_is_boolean(value, predicates) for value in values)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in predicates
    return False


def _are_same(left: ast.expr, right: ast.expr) -> bool:
    return not isinstance(left, ast.Constant) and ast.dump(left) == ast.dump(right)
