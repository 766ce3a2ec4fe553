"""Oddities: what a person would hardly write, by which a change that passes the tests may give itself away."""

import ast
from collections.abc import Collection, Iterator

_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
# Of these operators, a thing with itself is something: a double, a square.
_TWICE = (ast.Add, ast.Mult, ast.Pow, ast.MatMult)
# These take the same thing twice for a reason.
_REPEATING = {"zip", "product", "isinstance", "range", "replace", "getattr"}


def find_oddities(tree: ast.AST, tests: Collection[str] = ()) -> frozenset[str]:
    """The odd things in a tree, told so that two trees can be compared; `tests` are functions that return a bool."""
    return frozenset(odd for node in ast.walk(tree) for odd in _odd(node, tests))


def find_predicates(tree: ast.AST) -> frozenset[str]:
    """The functions that return a bool, by what they say or by what they do."""
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _is_test(node))


def _is_test(function: ast.FunctionDef) -> bool:
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    return getattr(function.returns, "id", "") == "bool" or (
        bool(returned) and all(value is not None and _is_truth(value, ()) for value in returned)
    )


def _odd(node: ast.AST, tests: Collection[str]) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from (f"{node.name} never reads {name}" for name in _unread(node))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            if _same(left, right):
                yield f"compares {ast.dump(left)} with itself"
            if isinstance(op, _ORDERS) and (_is_truth(left, tests) or _is_truth(right, tests)):
                yield f"orders {ast.dump(node)} by truth"
        case ast.BinOp(left=left, op=op, right=right) if not isinstance(op, _TWICE) and _same(left, right):
            yield f"combines {ast.dump(left)} with itself"
        case ast.BoolOp(values=[left, right]) if _same(left, right):
            yield f"says {ast.dump(left)} twice"
        case ast.Slice(lower=ast.expr() as lower, upper=ast.expr() as upper) if ast.dump(lower) == ast.dump(upper):
            yield f"takes nothing from {ast.dump(lower)} on"
        case ast.Assign(targets=[target], value=value) if ast.unparse(target) == ast.unparse(value):
            yield f"assigns {ast.unparse(value)} to itself"
        case ast.Call(func=func, args=args):
            yield from _passed_twice(func, args)


def _passed_twice(func: ast.expr, args: list[ast.expr]) -> Iterator[str]:
    called = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    passed = [ast.dump(one) for one in args if isinstance(one, ast.Name | ast.Attribute)]
    if called not in _REPEATING and len(set(passed)) < len(passed):
        yield f"passes {called} the same twice: {sorted(passed)}"
    if isinstance(func, ast.Attribute) and ast.dump(func.value) in passed:
        yield f"passes {called} its own object"


def _unread(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """The parameters and variables of a function that nothing in it reads, but for those that only count rounds."""
    spec = function.args
    bound = {one.arg for one in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)}
    read: set[str] = set()
    for node in ast.walk(function):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                bound.add(name)
            case ast.Name(id=name):
                read.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                read.update(names)
            case ast.For(target=target) | ast.comprehension(target=target):
                read.update(name.id for name in ast.walk(target) if isinstance(name, ast.Name))
    if "locals" not in read:
        yield from sorted(bound - read - {"self", "cls"})


def _is_truth(node: ast.expr, tests: Collection[str]) -> bool:
    match node:
        case ast.Compare() | ast.UnaryOp(op=ast.Not()) | ast.Constant(value=bool()):
            return True
        case ast.BoolOp(values=values):
            return all(_is_truth(value, tests) for value in values)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in tests
    return False


def _same(left: ast.expr, right: ast.expr) -> bool:
    return not isinstance(left, ast.Constant) and ast.dump(left) == ast.dump(right)
