"""Kinds: what sort of value an expression has, guessed from how it is written and used."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum


class Kind(StrEnum):
    """A sort of value, as coarse as typing a repair needs."""

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


SEQUENCES = frozenset({Kind.TEXT, Kind.LIST, Kind.TUPLE, Kind.ITERABLE})
COLLECTIONS = SEQUENCES | {Kind.SET, Kind.DICT}

_BY_FUNCTION = {
    **dict.fromkeys(("len", "int", "float", "abs", "sum", "round", "ord", "hash", "pow", "divmod", "id"), Kind.NUMBER),
    **dict.fromkeys(("str", "repr", "chr", "format", "input", "bin", "hex", "join"), Kind.TEXT),
    **dict.fromkeys(("strip", "lstrip", "rstrip", "lower", "upper", "replace", "title", "capitalize"), Kind.TEXT),
    **dict.fromkeys(("count", "index", "find", "rfind", "time", "sqrt", "floor", "ceil"), Kind.NUMBER),
    **dict.fromkeys(("list", "sorted", "split", "splitlines", "readlines"), Kind.LIST),
    **dict.fromkeys(
        ("range", "reversed", "zip", "enumerate", "map", "filter", "keys", "values", "items"), Kind.ITERABLE
    ),
    **dict.fromkeys(("set", "frozenset", "union", "intersection", "difference"), Kind.SET),
    **dict.fromkeys(("dict", "defaultdict", "Counter", "OrderedDict"), Kind.DICT),
    **dict.fromkeys(("bool", "isinstance", "any", "all", "startswith", "endswith", "isdigit", "hasattr"), Kind.BOOL),
    **dict.fromkeys(("deque",), Kind.LIST),
    **dict.fromkeys(("tuple",), Kind.TUPLE),
}

_BY_METHOD = {
    **dict.fromkeys(("append", "extend", "insert", "sort", "reverse", "appendleft", "popleft"), Kind.LIST),
    **dict.fromkeys(("add", "discard", "issuperset", "issubset"), Kind.SET),
    **dict.fromkeys(("keys", "values", "items", "setdefault"), Kind.DICT),
    **dict.fromkeys(("strip", "split", "lower", "upper", "startswith", "endswith", "join", "format"), Kind.TEXT),
}

_BY_ANNOTATION = {
    "int": Kind.NUMBER,
    "float": Kind.NUMBER,
    "bool": Kind.BOOL,
    "str": Kind.TEXT,
    "list": Kind.LIST,
    "List": Kind.LIST,
    "Sequence": Kind.LIST,
    "tuple": Kind.TUPLE,
    "Tuple": Kind.TUPLE,
    "set": Kind.SET,
    "Set": Kind.SET,
    "frozenset": Kind.SET,
    "dict": Kind.DICT,
    "Dict": Kind.DICT,
    "Mapping": Kind.DICT,
    "Iterable": Kind.ITERABLE,
    "Iterator": Kind.ITERABLE,
    "Callable": Kind.CALLABLE,
}

_ARITHMETIC = (ast.Sub, ast.Div, ast.FloorDiv, ast.Pow, ast.LShift, ast.RShift, ast.BitXor)
_ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def affinity(wanted: Kind, offered: Kind) -> float:
    """How well a value of kind `offered` fits where one of kind `wanted` stands, in 0..1."""
    if wanted == offered:
        return 1.0
    if Kind.UNKNOWN in (wanted, offered):
        return 0.7
    if wanted in COLLECTIONS and offered in COLLECTIONS:
        return 0.8 if Kind.ITERABLE in (wanted, offered) else 0.5
    if {wanted, offered} == {Kind.NUMBER, Kind.BOOL} or Kind.NONE in (wanted, offered):
        return 0.4
    return 0.15


class Kinds:
    """The kinds of the names bound or used within some nodes.

    What a name is assigned counts before how it is used; where two ways disagree the kind is unknown.
    """

    def __init__(self, nodes: Iterable[ast.AST]) -> None:
        self._names: dict[str, Kind] = {}
        walked = [node for root in nodes for node in ast.walk(root)]
        for _ in range(2):  # the second time with what the first has found out about right-hand sides
            self._learn(self._assigned(walked))
        self._learn(self._used(walked))
        self._learn(self._assigned(walked))

    def of_name(self, name: str) -> Kind:
        """The kind of a variable."""
        return self._names.get(name, Kind.UNKNOWN)

    def of(self, node: ast.expr | None) -> Kind:
        """The kind of an expression."""
        match node:
            case ast.Constant(value=value):
                return _of_constant(value)
            case ast.Name(id=name):
                return self.of_name(name)
            case ast.List() | ast.ListComp():
                return Kind.LIST
            case ast.Dict() | ast.DictComp():
                return Kind.DICT
            case ast.Set() | ast.SetComp():
                return Kind.SET
            case ast.Tuple():
                return Kind.TUPLE
            case ast.GeneratorExp():
                return Kind.ITERABLE
            case ast.Lambda():
                return Kind.CALLABLE
            case ast.JoinedStr():
                return Kind.TEXT
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return Kind.BOOL
            case ast.UnaryOp():
                return Kind.NUMBER
            case ast.BinOp(left=left, op=op, right=right):
                return self._of_operation(left, op, right)
            case ast.BoolOp(values=values):
                return self._agreed([self.of(value) for value in values])
            case ast.IfExp(body=body, orelse=orelse):
                return self._agreed([self.of(body), self.of(orelse)])
            case ast.Subscript(value=value, slice=ast.Slice()):
                return self.of(value)
            case ast.Subscript(value=value) if self.of(value) is Kind.TEXT:
                return Kind.TEXT
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args):
                if name in ("min", "max") and len(args) > 1:
                    return self._agreed([self.of(argument) for argument in args])
                return _BY_FUNCTION.get(name, Kind.UNKNOWN)
        return Kind.UNKNOWN

    def _of_operation(self, left: ast.expr, op: ast.operator, right: ast.expr) -> Kind:
        kinds = {self.of(left), self.of(right)}
        if isinstance(op, ast.Mult | ast.Mod):
            for kind in (Kind.LIST, Kind.TEXT, Kind.TUPLE):
                if kind in kinds:
                    return kind
        if isinstance(op, ast.Add | ast.BitOr | ast.BitAnd | ast.Sub):
            for kind in (Kind.LIST, Kind.TEXT, Kind.TUPLE, Kind.SET, Kind.DICT):
                if kind in kinds:
                    return kind
            return Kind.NUMBER if Kind.NUMBER in kinds else Kind.UNKNOWN
        return Kind.NUMBER

    @staticmethod
    def _agreed(kinds: list[Kind]) -> Kind:
        known = {kind for kind in kinds if kind not in (Kind.UNKNOWN, Kind.NONE)}
        return known.pop() if len(known) == 1 else Kind.UNKNOWN

    def _learn(self, evidence: Iterable[tuple[str, Kind]]) -> None:
        found: dict[str, list[Kind]] = defaultdict(list)
        for name, kind in evidence:
            found[name].append(kind)
        for name, kinds in found.items():
            if self.of_name(name) is Kind.UNKNOWN:
                self._names[name] = self._agreed(kinds)

    def _assigned(self, nodes: list[ast.AST]) -> Iterable[tuple[str, Kind]]:
        for node in nodes:
            match node:
                case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                    for target, value in zip(targets, values, strict=False):
                        yield from _named(target, self.of(value))
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        yield from _named(target, self.of(value))
                        if isinstance(target, ast.Tuple | ast.List):
                            for element in target.elts:
                                if isinstance(element, ast.Starred):
                                    yield from _named(element.value, Kind.LIST)
                case ast.AnnAssign(target=target, annotation=annotation):
                    yield from _named(target, _of_annotation(annotation))
                case ast.arg(arg=name, annotation=annotation):
                    yield name, _of_annotation(annotation)
                case ast.AugAssign(target=target, value=value):
                    yield from _named(target, self.of(value))
                case ast.For(target=target, iter=iterated) | ast.comprehension(target=target, iter=iterated):
                    yield from self._iterated(target, iterated)
                case ast.FunctionDef(name=name, args=arguments):
                    yield name, Kind.CALLABLE
                    given = arguments.args[len(arguments.args) - len(arguments.defaults) :]
                    for parameter, default in zip(given, arguments.defaults, strict=True):
                        yield parameter.arg, self.of(default)
                case ast.ExceptHandler(name=str(name)):
                    yield name, Kind.OBJECT

    def _iterated(self, target: ast.expr, iterated: ast.expr) -> Iterable[tuple[str, Kind]]:
        match iterated:
            case ast.Call(func=ast.Name(id="range")):
                yield from _named(target, Kind.NUMBER)
            case ast.Call(func=ast.Name(id="enumerate")) if isinstance(target, ast.Tuple) and target.elts:
                yield from _named(target.elts[0], Kind.NUMBER)
            case _ if self.of(iterated) is Kind.TEXT:
                yield from _named(target, Kind.TEXT)

    def _used(self, nodes: list[ast.AST]) -> Iterable[tuple[str, Kind]]:
        for node in nodes:
            match node:
                case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ARITHMETIC):
                    yield from _named(left, Kind.NUMBER)
                    yield from _named(right, Kind.NUMBER)
                case ast.Compare(left=left, ops=[op], comparators=[right]):
                    kinds = self.of(left), self.of(right)
                    if Kind.NUMBER in kinds or (isinstance(op, _ORDERINGS) and kinds == (Kind.UNKNOWN,) * 2):
                        yield from _named(left, Kind.NUMBER)
                        yield from _named(right, Kind.NUMBER)
                case ast.Slice(lower=lower, upper=upper):
                    yield from _named(lower, Kind.NUMBER)
                    yield from _named(upper, Kind.NUMBER)
                case ast.Call(func=ast.Name(id="range"), args=arguments):
                    for argument in arguments:
                        yield from _named(argument, Kind.NUMBER)
                case ast.Call(func=ast.Name(id="len" | "sorted" | "enumerate"), args=[argument]):
                    yield from _named(argument, Kind.ITERABLE)
                case ast.Call(func=ast.Name(id=name)):
                    yield name, Kind.CALLABLE
                case ast.Subscript(value=value, slice=ast.Slice()):
                    yield from _named(value, Kind.LIST)
                case ast.For(iter=iterated) | ast.comprehension(iter=iterated):
                    yield from _named(iterated, Kind.ITERABLE)
                case ast.Attribute(value=value, attr=attribute):
                    yield from _named(value, _BY_METHOD.get(attribute, Kind.OBJECT))


def _named(node: ast.expr | None, kind: Kind) -> Iterable[tuple[str, Kind]]:
    if isinstance(node, ast.Name):
        yield node.id, kind


def _of_constant(value: object) -> Kind:
    match value:
        case bool():
            return Kind.BOOL
        case int() | float() | complex():
            return Kind.NUMBER
        case str() | bytes():
            return Kind.TEXT
        case None:
            return Kind.NONE
    return Kind.UNKNOWN


def _of_annotation(node: ast.expr | None) -> Kind:
    match node:
        case ast.Subscript(value=value):
            return _of_annotation(value)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _BY_ANNOTATION.get(name, Kind.OBJECT)
        case ast.Constant(value=str(text)):
            return _BY_ANNOTATION.get(text, Kind.OBJECT)
    return Kind.UNKNOWN
