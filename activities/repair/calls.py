"""Templates for calls: the wrong function, the wrong arguments, or a call missing or too much."""

import ast
from collections.abc import Iterator
from itertools import combinations

from activities.localisation.regions import FunctionNode
from activities.localisation.vocabulary import measure_similarity
from activities.repair.site import Site, TemplateEdit, callee
from activities.repair.value_types import COLLECTIONS, SEQUENCES, ValueType, affinity

# Names that are easily taken for one another.
_SIBLINGS = (
    ("any", "all"),
    ("min", "max"),
    ("sorted", "reversed", "list"),
    ("list", "set", "tuple", "sorted"),
    ("sum", "max", "min", "len"),
    ("int", "float", "round", "str"),
    ("range", "enumerate", "reversed"),
    ("zip", "enumerate"),
    ("isinstance", "issubclass"),
    ("str", "repr"),
    ("map", "filter"),
    ("append", "extend", "insert", "add", "appendleft"),
    ("append", "remove"),
    ("pop", "popleft"),
    ("add", "discard", "remove", "update"),
    ("keys", "values", "items"),
    ("startswith", "endswith"),
    ("strip", "lstrip", "rstrip"),
    ("upper", "lower", "title", "capitalize"),
    ("find", "rfind", "index", "rindex"),
    ("split", "rsplit", "partition", "rpartition"),
    ("union", "intersection", "difference", "symmetric_difference"),
    ("issubset", "issuperset", "isdisjoint"),
    ("floor", "ceil", "trunc"),
    ("isdigit", "isalpha", "isalnum", "isnumeric"),
    ("get", "setdefault", "pop"),
    ("heappush", "heappushpop"),
    ("heappop", "heapify"),
    ("bisect_left", "bisect_right", "insort"),
    ("sub", "subn", "findall"),
    ("match", "search", "fullmatch"),
    ("copy", "deepcopy"),
    ("now", "utcnow", "today"),
    ("days", "seconds", "total_seconds"),
    ("dumps", "dump"),
    ("loads", "load"),
    ("read", "readline", "readlines"),
)

# Wrappers worth trying where the file does not use them, by the kind of what they wrap.
_WRAPPERS = {
    ValueType.NUMBER: ("abs", "int", "float", "str", "round"),
    ValueType.TEXT: ("int", "float", "list", "len", "set"),
    ValueType.LIST: ("len", "sorted", "reversed", "set", "list", "tuple", "sum"),
    ValueType.TUPLE: ("len", "list", "sorted", "set"),
    ValueType.ITERABLE: ("list", "sorted", "set", "reversed", "len"),
    ValueType.SET: ("list", "sorted", "len", "set"),
    ValueType.DICT: ("list", "sorted", "dict", "len"),
    ValueType.UNKNOWN: ("list", "sorted", "set", "str", "int", "len", "abs", "tuple"),
}
_METHODS = {
    ValueType.TEXT: ("strip", "lower", "split", "upper"),
    ValueType.LIST: ("copy",),
    ValueType.DICT: ("items", "values", "keys", "copy"),
    ValueType.SET: ("copy",),
}


def exchanged_arguments(site: Site) -> Iterator[TemplateEdit]:
    """Two arguments the other way round."""
    match site.node:
        case ast.Call(args=arguments) if len(arguments) > 1:
            for first, second in list(combinations(arguments, 2))[:10]:
                if not isinstance(first, ast.Starred) and not isinstance(second, ast.Starred):
                    fit = affinity(site.kind(first), site.kind(second))
                    yield site.exchange(first, second, 0.75 * max(fit, 0.4))


def sibling(site: Site) -> Iterator[TemplateEdit]:
    """A function or method that is easily taken for the one called."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load()) if site.slot == "func":
            for other in _siblings(name):
                yield site.replace(other, 0.65)
        case ast.Attribute(value=value, attr=name) if site.slot == "func":
            for other in _siblings(name):
                yield site.replace(f"{site.text(value)}.{other}", 0.6)
        case ast.Call(func=ast.Attribute(value=value, attr="append"), args=[argument]):
            yield site.replace(f"{site.text(value)}.insert(0, {site.text(argument)})", 0.4)
        case ast.Call(func=ast.Attribute(value=value, attr="pop"), args=[]):
            yield site.replace(f"{site.text(value)}.pop(0)", 0.6)
        case ast.Call(func=ast.Attribute(value=value, attr="pop"), args=[ast.Constant(value=0)]):
            yield site.replace(f"{site.text(value)}.pop()", 0.6)
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[key]):
            yield site.replace(f"{site.text(value)}[{site.text(key)}]", 0.3)
        case ast.Call(func=ast.Attribute(attr="split" | "rsplit" | "replace") as function, args=arguments):
            given = [site.text(argument) for argument in arguments]
            yield site.replace(f"{site.text(function)}({', '.join([*given, '1'])})", 0.4)


def other_function(site: Site) -> Iterator[TemplateEdit]:
    """Another function of the file, or another method of the object."""
    match site.node, site.parent:
        case ast.Name(id=name), ast.Call(args=arguments) if site.slot == "func":
            for other, function in site.scope.functions.items():
                if other == name or site.scope.globals.get(other) is not function:
                    continue
                fits = _accepts(function, len(arguments))
                yield site.replace(other, (0.45 if fits else 0.1) * _likeness(name, other))
            for other in site.scope.imported_functions:
                if other != name:
                    fits = len(site.scope.taken(other)) == len(arguments)
                    yield site.replace(other, (0.45 if fits else 0.1) * _likeness(name, other))
            for other in site.scope.unary_functions:
                if other != name and len(arguments) == 1 and other not in site.scope.functions:
                    yield site.replace(other, 0.3)
        case ast.Attribute(value=ast.Name(id="self") as value, attr=name), ast.Call(args=arguments):
            for other in site.scope.own_attributes:
                method = site.scope.functions.get(other)
                if site.slot == "func" and other != name and method is not None:
                    fits = _accepts(method, len(arguments) + 1)
                    yield site.replace(f"{site.text(value)}.{other}", (0.45 if fits else 0.1) * _likeness(name, other))


def wrap(site: Site) -> Iterator[TemplateEdit]:
    """A call around an expression, of a function the file uses or of a usual one."""
    if not _is_wrappable(site) or not isinstance(site.node, ast.expr):
        return
    text, kind = site.text(site.node), site.kind(site.node)
    own = callee(site.node) if isinstance(site.node, ast.Call) else ""
    outer = callee(site.parent) if isinstance(site.parent, ast.Call) else ""
    usual = _WRAPPERS.get(kind, ())
    known = {*site.scope.globals, *usual}
    for name in site.scope.unary_functions[:12]:
        if name not in (own, outer) and (name in known or name in site.names):
            prior = 0.25 if name in usual or name in site.scope.globals else 0.1
            yield site.replace(f"{name}({text})", prior)
    for name in usual:
        if name not in (own, outer) and name not in site.scope.unary_functions:
            yield site.replace(f"{name}({text})", 0.13)


def limit(site: Site) -> Iterator[TemplateEdit]:
    """The greater or the lesser of a value and a variable."""
    if not _is_wrappable(site) or not isinstance(site.node, ast.expr):
        return
    if isinstance(site.parent, ast.Call) and callee(site.parent) in ("min", "max", "range", "len"):
        return
    text, kind = site.text(site.node), site.kind(site.node)
    if kind not in (ValueType.NUMBER, ValueType.UNKNOWN):
        return
    kept = 0.38 if site.slot == "elts" or isinstance(site.parent, ast.Assign | ast.Return) else 0.2
    unknown = 0.3 if isinstance(site.node, ast.Call) else 0.72
    for name in site.names:
        offered = site.scope.kinds.of_name(name)
        if name != text and offered in (ValueType.NUMBER, ValueType.UNKNOWN) and name not in ("self", "cls"):
            sure = affinity(kind, offered) if ValueType.NUMBER in (kind, offered) else unknown
            yield site.replace(f"max({name}, {text})", kept * sure)
            yield site.replace(f"min({name}, {text})", kept * sure)
    if kind is ValueType.NUMBER:
        yield site.replace(f"max(0, {text})", 0.2)
    if isinstance(site.node, ast.Attribute):
        for holder in _alike(site, site.node):
            yield site.replace(f"max({holder}.{site.node.attr}, {text})", 0.33)
            yield site.replace(f"min({holder}.{site.node.attr}, {text})", 0.33)


def wrap_method(site: Site) -> Iterator[TemplateEdit]:
    """A method called on an expression."""
    if not _is_wrappable(site) or not isinstance(site.node, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
        return
    usual = _METHODS.get(site.kind(site.node), ())
    source = site.scope.source
    for name in dict.fromkeys([*usual, *site.scope.bare_methods[:6]]):
        prior = 0.25 if name in usual else 0.12
        end = source.span(site.node)[1]
        if isinstance(site.node, ast.Call) and callee(site.node) == name:
            continue
        yield site.replace(f"{source.text[source.span(site.node)[0] : end]}.{name}()", prior)


def separators(site: Site) -> Iterator[TemplateEdit]:
    """Hyphens or underscores for the blanks at which a text is cut into words."""
    match site.node:
        case ast.Call(func=ast.Attribute(value=value, attr="split"), args=[], keywords=[]):
            for mark in ("-", "_"):
                yield site.replace(f"{site.text(value)}.replace({mark!r}, ' ').split()", 0.3)


def unwrap(site: Site) -> Iterator[TemplateEdit]:
    """An argument, or the object itself, for the call."""
    match site.node:
        case ast.Call(func=function, args=arguments) if not isinstance(site.parent, ast.Expr):
            prior = 0.45 if len(arguments) == 1 else 0.3
            for argument in arguments[:4]:
                if not isinstance(argument, ast.Starred):
                    yield site.replace(site.text(argument), prior)
            if isinstance(function, ast.Attribute):
                yield site.replace(site.text(function.value), 0.35)


def argument_count(site: Site) -> Iterator[TemplateEdit]:
    """An argument less, or one more where the function takes it."""
    match site.node:
        case ast.Call(func=function, args=arguments, keywords=keywords):
            written = [*map(site.text, arguments), *map(site.text, keywords)]
            head = site.text(function)
            if any(isinstance(argument, ast.GeneratorExp) for argument in arguments):
                return
            for index in range(len(written)):
                rest = ", ".join(written[:index] + written[index + 1 :])
                yield site.replace(f"{head}({rest})", 0.3 if index else 0.2)
            taken = site.scope.taken(callee(site.node))
            if taken:
                given = {keyword.arg for keyword in keywords}
                for flag, default in site.scope.vocabulary.flags.get(callee(site.node), ()):
                    if flag in taken[len(arguments) :] and flag not in given:
                        yield site.replace(f"{head}({', '.join([*written, f'{flag}={not default}'])})", 0.4)
                for name in taken[len(arguments) :]:
                    if name in site.names and name not in given:
                        yield site.replace(f"{head}({', '.join([*written, f'{name}={name}'])})", 0.6)
                if len(taken) > len(arguments):
                    for name in site.names:
                        extended = [*written[: len(arguments)], name, *written[len(arguments) :]]
                        yield site.replace(f"{head}({', '.join(extended)})", 0.35)
            elif len(arguments) == 1 and not keywords and len(site.names) > 1:
                for name in site.names[:6]:
                    if name != written[0]:
                        yield site.replace(f"{head}({written[0]}, {name})", 0.08)


def keyword_argument(site: Site) -> Iterator[TemplateEdit]:
    """Another keyword, a keyword for a place, or one of the usual keywords."""
    match site.node:
        case ast.Call(func=function, args=arguments, keywords=keywords):
            taken = site.scope.taken(callee(site.node))
            head, positional = site.text(function), [site.text(argument) for argument in arguments]
            if taken and len(arguments) > 1:
                last = len(arguments) - 1
                for other in taken[len(arguments) :]:
                    named = [f"{other}={positional[last]}", *map(site.text, keywords)]
                    if other not in {one.arg for one in keywords}:
                        yield site.replace(f"{head}({', '.join([*positional[:last], *named])})", 0.4)
            for index, keyword in enumerate(keywords):
                if keyword.arg is None:
                    continue
                for other in taken:
                    if other not in {one.arg for one in keywords}:
                        named = [site.text(one) for one in keywords]
                        named[index] = f"{other}={site.text(keyword.value)}"
                        prior = 0.6 * _likeness(keyword.arg, other)
                        yield site.replace(f"{head}({', '.join([*positional, *named])})", prior)
            if callee(site.node) in ("sorted", "sort") and not keywords:
                yield site.replace(f"{head}({', '.join([*positional, 'reverse=True'])})", 0.5)


def result_of_method(site: Site) -> Iterator[TemplateEdit]:
    """The result of a method that does not work in place, kept."""
    match site.node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=value)) as call):
            yield site.rewrite(f"{site.text(value)} = {site.text(call)}", 0.35)
        case ast.Assign(value=ast.Call(func=ast.Attribute(attr="sort" | "reverse" | "append" | "extend")) as call):
            yield site.rewrite(site.text(call), 0.6)


def _alike(site: Site, node: ast.Attribute) -> list[str]:
    """Other variables that have the attribute: it is read of them, or what is read of them belongs with it."""
    together = [set(fields) for fields in site.scope.vocabulary.signatures.values() if node.attr in fields]
    read: dict[str, set[str]] = {}
    for other in ast.walk(site.scope.region.node or site.scope.source.tree):
        match other:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name != site.text(node.value):
                read.setdefault(name, set()).add(attribute)
    return [
        name
        for name, attributes in read.items()
        if name in site.names and (node.attr in attributes or any(attributes & fields for fields in together))
    ]


def _siblings(name: str) -> list[str]:
    return list(dict.fromkeys(other for group in _SIBLINGS if name in group for other in group if other != name))


def _accepts(function: FunctionNode, count: int) -> bool:
    arguments = function.args
    most = len(arguments.posonlyargs) + len(arguments.args)
    return most - len(arguments.defaults) <= count and (count <= most or arguments.vararg is not None)


def _likeness(name: str, other: str) -> float:
    return 0.7 + 0.6 * measure_similarity(name, other)


def _is_wrappable(site: Site) -> bool:
    if isinstance(getattr(site.node, "ctx", None), ast.Store | ast.Del) or site.is_condition:
        return False
    if site.slot not in (
        "value",
        "args",
        "iter",
        "left",
        "right",
        "comparators",
        "elt",
        "elts",
        "values",
        "slice",
    ):
        return False
    if isinstance(site.parent, ast.Attribute | ast.Expr | ast.Starred):
        return False
    if isinstance(site.parent, ast.Subscript) and site.slot == "value":
        return False
    match site.node:
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.BinOp():
            return True
        case ast.Call():
            return site.kind(site.node) in COLLECTIONS | SEQUENCES | {ValueType.UNKNOWN, ValueType.NUMBER}
    return False


TEMPLATES = (
    exchanged_arguments,
    sibling,
    other_function,
    wrap,
    limit,
    wrap_method,
    separators,
    unwrap,
    argument_count,
    keyword_argument,
    result_of_method,
)
