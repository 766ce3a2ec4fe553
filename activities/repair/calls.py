"""Templates for calls: the wrong function or arguments, or a missing or superfluous call."""

import ast
from collections.abc import Iterator
from itertools import combinations

from activities.localisation.regions import FunctionNode
from activities.localisation.vocabulary import measure_similarity
from activities.repair.site import Site, TemplateEdit, get_callee
from activities.repair.value_types import score_compatibility

# Groups of functions and methods that are easily confused.
_CONFUSABLE = (
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


def swapped_arguments(site: Site) -> Iterator[TemplateEdit]:
    """Swap two arguments."""
    match site.node:
        case ast.Call(args=arguments) if len(arguments) > 1:
            for first, second in list(combinations(arguments, 2))[:10]:  # all pairs of up to five arguments
                if not isinstance(first, ast.Starred) and not isinstance(second, ast.Starred):
                    fit = score_compatibility(site.type_of(first), site.type_of(second))
                    yield site.swap(first, second, 0.75 * max(fit, 0.4))


def similar_function(site: Site) -> Iterator[TemplateEdit]:
    """Replace a function or method by one that is easily confused with it."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load()) if site.field == "func":
            for other in _list_confusable(name):
                yield site.replace(other, 0.65)
        case ast.Attribute(value=value, attr=name) if site.field == "func":
            for other in _list_confusable(name):
                yield site.replace(f"{site.text_of(value)}.{other}", 0.6)
        case ast.Call(func=ast.Attribute(value=value, attr="append"), args=[argument]):
            yield site.replace(f"{site.text_of(value)}.insert(0, {site.text_of(argument)})", 0.4)
        case ast.Call(func=ast.Attribute(value=value, attr="pop"), args=[]):
            yield site.replace(f"{site.text_of(value)}.pop(0)", 0.6)
        case ast.Call(func=ast.Attribute(value=value, attr="pop"), args=[ast.Constant(value=0)]):
            yield site.replace(f"{site.text_of(value)}.pop()", 0.6)
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[key]):
            yield site.replace(f"{site.text_of(value)}[{site.text_of(key)}]", 0.3)
        case ast.Call(func=ast.Attribute(attr="split" | "rsplit" | "replace") as function, args=arguments):
            yield site.replace(_write_call(site.text_of(function), [*map(site.text_of, arguments), "1"]), 0.4)


def other_function(site: Site) -> Iterator[TemplateEdit]:
    """Replace a function by another of the file or its imports, or a method by another of `self`."""
    match site.node, site.parent:
        case ast.Name(id=name), ast.Call(args=arguments) if site.field == "func":
            for other, function in site.scope.functions.items():
                if other == name or site.scope.globals.get(other) is not function:
                    continue
                fits = _can_take(function, len(arguments))
                yield site.replace(other, (0.45 if fits else 0.1) * _scale_similarity(name, other))
            for other in site.scope.imported_callables:
                if other != name:
                    fits = len(site.scope.get_parameters(other)) == len(arguments)
                    yield site.replace(other, (0.45 if fits else 0.1) * _scale_similarity(name, other))
            for other in site.scope.unary_functions:
                if other != name and len(arguments) == 1 and other not in site.scope.functions:
                    yield site.replace(other, 0.3)
        case ast.Attribute(value=ast.Name(id="self") as value, attr=name), ast.Call(args=arguments):
            for other in site.scope.self_attributes:
                method = site.scope.functions.get(other)
                if site.field == "func" and other != name and method is not None:
                    fits = _can_take(method, len(arguments) + 1)
                    yield site.replace(
                        f"{site.text_of(value)}.{other}", (0.45 if fits else 0.1) * _scale_similarity(name, other)
                    )


def separators(site: Site) -> Iterator[TemplateEdit]:
    """Split a text at hyphens or underscores too."""
    match site.node:
        case ast.Call(func=ast.Attribute(value=value, attr="split"), args=[], keywords=[]):
            for mark in ("-", "_"):
                yield site.replace(f"{site.text_of(value)}.replace({mark!r}, ' ').split()", 0.3)


def unwrap(site: Site) -> Iterator[TemplateEdit]:
    """Replace a call by one of its arguments or by its object."""
    match site.node:
        case ast.Call(func=function, args=arguments) if not isinstance(site.parent, ast.Expr):
            prior = 0.45 if len(arguments) == 1 else 0.3
            for argument in arguments[:4]:
                if not isinstance(argument, ast.Starred):
                    yield site.replace(site.text_of(argument), prior)
            if isinstance(function, ast.Attribute):
                yield site.replace(site.text_of(function.value), 0.35)


def argument_count(site: Site) -> Iterator[TemplateEdit]:
    """Remove an argument, or add one that the function takes."""
    match site.node:
        case ast.Call(func=function, args=arguments, keywords=keywords):
            texts = [*map(site.text_of, arguments), *map(site.text_of, keywords)]
            head, count = site.text_of(function), len(arguments)
            if any(isinstance(argument, ast.GeneratorExp) for argument in arguments):
                return
            for index in range(len(texts)):
                yield site.replace(_write_call(head, texts[:index] + texts[index + 1 :]), 0.3 if index else 0.2)
            parameters = site.scope.get_parameters(get_callee(site.node))
            if parameters:
                passed = {keyword.arg for keyword in keywords}
                for flag, default in site.scope.vocabulary.flags.get(get_callee(site.node), ()):
                    if flag in parameters[count:] and flag not in passed:
                        yield site.replace(_write_call(head, [*texts, f"{flag}={not default}"]), 0.4)
                for name in parameters[count:]:
                    if name in site.variables and name not in passed:
                        yield site.replace(_write_call(head, [*texts, f"{name}={name}"]), 0.6)
                if len(parameters) > count:
                    for name in site.variables:
                        yield site.replace(_write_call(head, [*texts[:count], name, *texts[count:]]), 0.35)
            elif count == 1 and not keywords and len(site.variables) > 1:
                for name in site.variables[:6]:
                    if name != texts[0]:
                        yield site.replace(f"{head}({texts[0]}, {name})", 0.08)


def keyword_argument(site: Site) -> Iterator[TemplateEdit]:
    """Rename a keyword, add one like the others, pass the last positional argument by keyword, or reverse a sort."""
    match site.node:
        case ast.Call(func=function, args=arguments, keywords=keywords):
            parameters = site.scope.get_parameters(get_callee(site.node))
            head, positional, named = (
                site.text_of(function),
                [*map(site.text_of, arguments)],
                [*map(site.text_of, keywords)],
            )
            passed = {keyword.arg for keyword in keywords}
            if parameters and len(arguments) > 1:
                for other in parameters[len(arguments) :]:
                    if other not in passed:
                        texts = [*positional[:-1], f"{other}={positional[-1]}", *named]
                        yield site.replace(_write_call(head, texts), 0.4)
            for other in _list_like_keywords(site, keywords, [name for name in parameters if name not in passed]):
                yield site.replace(_write_call(head, [*positional, *named, other]), 0.4)
            for index, keyword in enumerate(keywords):
                if keyword.arg is None:
                    continue
                for other in parameters:
                    if other not in passed:
                        texts = [*positional, *named]
                        texts[len(positional) + index] = f"{other}={site.text_of(keyword.value)}"
                        yield site.replace(_write_call(head, texts), 0.6 * _scale_similarity(keyword.arg, other))
            if get_callee(site.node) in ("sorted", "sort") and not keywords:
                yield site.replace(_write_call(head, [*positional, "reverse=True"]), 0.5)


def method_result(site: Site) -> Iterator[TemplateEdit]:
    """Assign the result of a method that does not change its object, or drop that of one that does."""
    match site.node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=value)) as call):
            yield site.replace_statement(f"{site.text_of(value)} = {site.text_of(call)}", 0.35)
        case ast.Assign(value=ast.Call(func=ast.Attribute(attr="sort" | "reverse" | "append" | "extend")) as call):
            yield site.replace_statement(site.text_of(call), 0.6)


def _write_call(function: str, arguments: list[str]) -> str:
    return f"{function}({', '.join(arguments)})"


def _list_like_keywords(site: Site, keywords: list[ast.keyword], parameters: list[str]) -> list[str]:
    """Return keyword arguments `b=x.b` where a call has `a=x.a`, for parameters that are attributes of some class."""
    members = {*site.scope.vocabulary.members}
    objects: dict[str, None] = {}
    for keyword in keywords:
        match keyword.value:
            case ast.Attribute(value=value, attr=name) if name == keyword.arg:
                objects.setdefault(site.text_of(value))
    return [f"{name}={text}.{name}" for text in objects for name in parameters if name in members]


def _list_confusable(name: str) -> list[str]:
    return list(dict.fromkeys(other for group in _CONFUSABLE if name in group for other in group if other != name))


def _can_take(function: FunctionNode, count: int) -> bool:
    arguments = function.args
    limit = len(arguments.posonlyargs) + len(arguments.args)
    return limit - len(arguments.defaults) <= count and (count <= limit or arguments.vararg is not None)


def _scale_similarity(name: str, other: str) -> float:
    return 0.7 + 0.6 * measure_similarity(name, other)


TEMPLATES = (
    swapped_arguments,
    similar_function,
    other_function,
    separators,
    unwrap,
    argument_count,
    keyword_argument,
    method_result,
)
