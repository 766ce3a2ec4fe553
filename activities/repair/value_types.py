"""Value types of expressions, inferred from how values are written and used."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum


class ValueType(StrEnum):
    """A value type, as coarse as repair needs it."""

    NUMBER = "number"
    BOOL = "bool"
    TEXT = "text"
    LIST = "list"
    TUPLE = "tuple"
    SET = "set"
    DICT = "dict"
    ITERABLE = "iterable"
    CALLABLE = "callable"
    OBJECT = "object"
    NONE = "none"
    UNKNOWN = "unknown"


SEQUENCES = frozenset({ValueType.TEXT, ValueType.LIST, ValueType.TUPLE, ValueType.ITERABLE})
COLLECTIONS = SEQUENCES | {ValueType.SET, ValueType.DICT}

# The type of the result by the name of the function or method.
_BY_FUNCTION = {
    **dict.fromkeys(
        ("len", "int", "float", "abs", "sum", "round", "ord", "hash", "pow", "divmod", "id"), ValueType.NUMBER
    ),
    **dict.fromkeys(("str", "repr", "chr", "format", "input", "bin", "hex", "join"), ValueType.TEXT),
    **dict.fromkeys(("strip", "lstrip", "rstrip", "lower", "upper", "replace", "title", "capitalize"), ValueType.TEXT),
    **dict.fromkeys(("count", "index", "find", "rfind", "time", "sqrt", "floor", "ceil"), ValueType.NUMBER),
    **dict.fromkeys(("list", "sorted", "split", "splitlines", "readlines"), ValueType.LIST),
    **dict.fromkeys(
        ("range", "reversed", "zip", "enumerate", "map", "filter", "keys", "values", "items"), ValueType.ITERABLE
    ),
    **dict.fromkeys(("set", "frozenset", "union", "intersection", "difference"), ValueType.SET),
    **dict.fromkeys(("dict", "defaultdict", "Counter", "OrderedDict"), ValueType.DICT),
    **dict.fromkeys(
        ("bool", "isinstance", "any", "all", "startswith", "endswith", "isdigit", "hasattr"), ValueType.BOOL
    ),
    **dict.fromkeys(("deque",), ValueType.LIST),
    **dict.fromkeys(("tuple",), ValueType.TUPLE),
}

# The type of an object by the name of a method called on it.
_BY_METHOD = {
    **dict.fromkeys(("append", "extend", "insert", "sort", "reverse", "appendleft", "popleft"), ValueType.LIST),
    **dict.fromkeys(("add", "discard", "issuperset", "issubset"), ValueType.SET),
    **dict.fromkeys(("keys", "values", "items", "setdefault"), ValueType.DICT),
    **dict.fromkeys(("strip", "split", "lower", "upper", "startswith", "endswith", "join", "format"), ValueType.TEXT),
    **dict.fromkeys(("lstrip", "rstrip", "rsplit", "partition", "rpartition", "splitlines"), ValueType.TEXT),
}

_BY_ANNOTATION = {
    "int": ValueType.NUMBER,
    "float": ValueType.NUMBER,
    "bool": ValueType.BOOL,
    "str": ValueType.TEXT,
    "list": ValueType.LIST,
    "List": ValueType.LIST,
    "Sequence": ValueType.LIST,
    "tuple": ValueType.TUPLE,
    "Tuple": ValueType.TUPLE,
    "set": ValueType.SET,
    "Set": ValueType.SET,
    "frozenset": ValueType.SET,
    "dict": ValueType.DICT,
    "Dict": ValueType.DICT,
    "Mapping": ValueType.DICT,
    "Iterable": ValueType.ITERABLE,
    "Iterator": ValueType.ITERABLE,
    "Callable": ValueType.CALLABLE,
}

_ARITHMETIC = (ast.Sub, ast.Div, ast.FloorDiv, ast.Pow, ast.LShift, ast.RShift, ast.BitXor)
_ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def score_compatibility(expected: ValueType, actual: ValueType) -> float:
    """Return how well a value of type `actual` fits in the place of one of type `expected`, in 0..1."""
    if expected == actual:
        return 1.0
    if ValueType.UNKNOWN in (expected, actual):
        return 0.7
    if expected in COLLECTIONS and actual in COLLECTIONS:
        return 0.8 if ValueType.ITERABLE in (expected, actual) else 0.5
    if {expected, actual} == {ValueType.NUMBER, ValueType.BOOL} or ValueType.NONE in (expected, actual):
        return 0.4
    return 0.15


class ValueTypes:
    """The value types of the names assigned or used within some nodes.

    Assignments count before uses. A name with contradictory evidence has an unknown type.
    """

    def __init__(self, nodes: Iterable[ast.AST]) -> None:
        self._names: dict[str, ValueType] = {}
        walked = [node for root in nodes for node in ast.walk(root)]
        for _ in range(2):  # the second round knows the types of right-hand sides
            self._learn(self._observe_assignments(walked))
        self._learn(self._observe_uses(walked))
        self._learn(self._observe_assignments(walked))

    def type_of_name(self, name: str) -> ValueType:
        """Return the type of a variable."""
        return self._names.get(name, ValueType.UNKNOWN)

    def type_of(self, node: ast.expr | None) -> ValueType:
        """Return the type of an expression."""
        match node:
            case ast.Constant(value=value):
                return _type_of_constant(value)
            case ast.Name(id=name):
                return self.type_of_name(name)
            case ast.List() | ast.ListComp():
                return ValueType.LIST
            case ast.Dict() | ast.DictComp():
                return ValueType.DICT
            case ast.Set() | ast.SetComp():
                return ValueType.SET
            case ast.Tuple():
                return ValueType.TUPLE
            case ast.GeneratorExp():
                return ValueType.ITERABLE
            case ast.Lambda():
                return ValueType.CALLABLE
            case ast.JoinedStr():
                return ValueType.TEXT
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return ValueType.BOOL
            case ast.UnaryOp():
                return ValueType.NUMBER
            case ast.BinOp(left=left, op=op, right=right):
                return self._type_of_operation(left, op, right)
            case ast.BoolOp(values=values):
                return self._unify([self.type_of(value) for value in values])
            case ast.IfExp(body=body, orelse=orelse):
                return self._unify([self.type_of(body), self.type_of(orelse)])
            case ast.Subscript(value=value, slice=ast.Slice()):
                return self.type_of(value)
            case ast.Subscript(value=value) if self.type_of(value) is ValueType.TEXT:
                return ValueType.TEXT
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args):
                if name in ("min", "max") and len(args) > 1:
                    return self._unify([self.type_of(argument) for argument in args])
                return _BY_FUNCTION.get(name, ValueType.UNKNOWN)
        return ValueType.UNKNOWN

    def _type_of_operation(self, left: ast.expr, op: ast.operator, right: ast.expr) -> ValueType:
        types = {self.type_of(left), self.type_of(right)}
        if isinstance(op, ast.Mult | ast.Mod):
            for value_type in (ValueType.LIST, ValueType.TEXT, ValueType.TUPLE):
                if value_type in types:
                    return value_type
        if isinstance(op, ast.Add | ast.BitOr | ast.BitAnd | ast.Sub):
            for value_type in (ValueType.LIST, ValueType.TEXT, ValueType.TUPLE, ValueType.SET, ValueType.DICT):
                if value_type in types:
                    return value_type
            return ValueType.NUMBER if ValueType.NUMBER in types else ValueType.UNKNOWN
        return ValueType.NUMBER

    @staticmethod
    def _unify(types: list[ValueType]) -> ValueType:
        known = {value_type for value_type in types if value_type not in (ValueType.UNKNOWN, ValueType.NONE)}
        return known.pop() if len(known) == 1 else ValueType.UNKNOWN

    def _learn(self, evidence: Iterable[tuple[str, ValueType]]) -> None:
        observed: dict[str, list[ValueType]] = defaultdict(list)
        for name, value_type in evidence:
            observed[name].append(value_type)
        for name, types in observed.items():
            if self.type_of_name(name) is ValueType.UNKNOWN:
                self._names[name] = self._unify(types)

    def _observe_assignments(self, nodes: list[ast.AST]) -> Iterable[tuple[str, ValueType]]:
        for node in nodes:
            match node:
                case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                    for target, value in zip(targets, values, strict=False):
                        yield from _observe(target, self.type_of(value))
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        yield from _observe(target, self.type_of(value))
                        if isinstance(target, ast.Tuple | ast.List):
                            for element in target.elts:
                                if isinstance(element, ast.Starred):
                                    yield from _observe(element.value, ValueType.LIST)
                case ast.AnnAssign(target=target, annotation=annotation):
                    yield from _observe(target, _type_of_annotation(annotation))
                case ast.arg(arg=name, annotation=annotation):
                    yield name, _type_of_annotation(annotation)
                case ast.AugAssign(target=target, value=value):
                    yield from _observe(target, self.type_of(value))
                case ast.For(target=target, iter=iterated) | ast.comprehension(target=target, iter=iterated):
                    yield from self._observe_iteration(target, iterated)
                case ast.FunctionDef(name=name, args=arguments):
                    yield name, ValueType.CALLABLE
                    defaulted = arguments.args[len(arguments.args) - len(arguments.defaults) :]
                    for parameter, default in zip(defaulted, arguments.defaults, strict=True):
                        yield parameter.arg, self.type_of(default)
                case ast.ExceptHandler(name=str(name)):
                    yield name, ValueType.OBJECT

    def _observe_iteration(self, target: ast.expr, iterated: ast.expr) -> Iterable[tuple[str, ValueType]]:
        match iterated:
            case ast.Call(func=ast.Name(id="range")):
                yield from _observe(target, ValueType.NUMBER)
            case ast.Call(func=ast.Name(id="enumerate")) if isinstance(target, ast.Tuple) and target.elts:
                yield from _observe(target.elts[0], ValueType.NUMBER)
            case _ if self.type_of(iterated) is ValueType.TEXT:
                yield from _observe(target, ValueType.TEXT)

    def _observe_uses(self, nodes: list[ast.AST]) -> Iterable[tuple[str, ValueType]]:
        for node in nodes:
            match node:
                case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ARITHMETIC):
                    yield from _observe(left, ValueType.NUMBER)
                    yield from _observe(right, ValueType.NUMBER)
                case ast.Compare(left=left, ops=[op], comparators=[right]):
                    types = self.type_of(left), self.type_of(right)
                    if ValueType.NUMBER in types or (isinstance(op, _ORDERINGS) and types == (ValueType.UNKNOWN,) * 2):
                        yield from _observe(left, ValueType.NUMBER)
                        yield from _observe(right, ValueType.NUMBER)
                case ast.Slice(lower=lower, upper=upper):
                    yield from _observe(lower, ValueType.NUMBER)
                    yield from _observe(upper, ValueType.NUMBER)
                case ast.Call(func=ast.Name(id="range"), args=arguments):
                    for argument in arguments:
                        yield from _observe(argument, ValueType.NUMBER)
                case ast.Call(func=ast.Name(id="len" | "sorted" | "enumerate"), args=[argument]):
                    yield from _observe(argument, ValueType.ITERABLE)
                case ast.Call(func=ast.Name(id=name)):
                    yield name, ValueType.CALLABLE
                case ast.Subscript(value=value, slice=ast.Slice()):
                    yield from _observe(value, ValueType.LIST)
                case ast.For(iter=iterated) | ast.comprehension(iter=iterated):
                    yield from _observe(iterated, ValueType.ITERABLE)
                case ast.Attribute(value=value, attr=attribute):
                    yield from _observe(value, _BY_METHOD.get(attribute, ValueType.OBJECT))


def _observe(node: ast.expr | None, value_type: ValueType) -> Iterable[tuple[str, ValueType]]:
    if isinstance(node, ast.Name):
        yield node.id, value_type


def _type_of_constant(value: object) -> ValueType:
    match value:
        case bool():
            return ValueType.BOOL
        case int() | float() | complex():
            return ValueType.NUMBER
        case str() | bytes():
            return ValueType.TEXT
        case None:
            return ValueType.NONE
    return ValueType.UNKNOWN


def _type_of_annotation(node: ast.expr | None) -> ValueType:
    match node:
        case ast.Subscript(value=ast.Name(id="Optional") | ast.Attribute(attr="Optional"), slice=inner):
            return _type_of_annotation(inner)
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return _type_of_annotation(left)
        case ast.Subscript(value=value):
            return _type_of_annotation(value)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _BY_ANNOTATION.get(name, ValueType.OBJECT)
        case ast.Constant(value=str(text)):
            return _BY_ANNOTATION.get(text, ValueType.OBJECT)
    return ValueType.UNKNOWN
