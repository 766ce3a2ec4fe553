"""Templates for the elements of collections: a filter or a recursion is missing."""

import ast
from collections.abc import Iterator

from activities.repair.scope import list_parameters
from activities.repair.site import Site, TemplateEdit
from activities.repair.value_types import COLLECTIONS, ValueType

_SYMBOLS = ("<", ">", "!=", "<=", ">=", "==")
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp)


def filtered_elements(site: Site) -> Iterator[TemplateEdit]:
    """Filter a collection by an attribute that the file filters by elsewhere."""
    if not isinstance(site.node, ast.Call) or not isinstance(site.parent, ast.Return | ast.Assign | ast.For):
        return
    if site.field not in ("value", "iter") or site.type_of(site.node) not in COLLECTIONS | {
        ValueType.UNKNOWN,
        ValueType.OBJECT,
    }:
        return
    names = [name for name in site.variables if name not in ("self", "cls")][:4]
    for target, attribute in _list_filtered_attributes(site):
        for name in (name for name in names if name != target):
            for symbol in _SYMBOLS:
                text = f"[{target} for {target} in {site.text_of(site.node)} if {target}.{attribute} {symbol} {name}]"
                yield site.replace(text, 0.25)


def recursive_elements(site: Site) -> Iterator[TemplateEdit]:
    """Call the enclosing function for each element of a collection."""
    function = site.statement.function
    if function is None or not isinstance(site.node, ast.expr):
        return
    names = [name for name in list_parameters(function) if name not in ("self", "cls")]
    method = site.scope.enclosing_class is not None
    match site.node, site.parent:
        case ast.Starred(value=value), ast.List() | ast.Set() | ast.Tuple() if names:
            function_name = f"self.{function.name}" if method else function.name
            # The generated code names an element `one`, which the file is unlikely to use already.
            call = f"{function_name}({', '.join(['one', *names[1:]])})"
            yield site.replace(f"*(deeper for one in {site.text_of(value)} for deeper in {call})", 0.4)
        case ast.Call(func=ast.Name(id="list" | "tuple"), args=[value]), _ if method:
            call = f"one.{function.name}({', '.join(names)})"
            yield site.replace(f"[{call} for one in {site.text_of(value)}]", 0.4)


def filtered_counterpart(site: Site) -> Iterator[TemplateEdit]:
    """Replace a collection by the part that an earlier filter of a `zip` with it kept."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load()) if name in site.scope.parameters or name in site.variables:
            for filtered, element, target in _list_filtered_zips(site, name):
                if filtered in site.variables and filtered != name:
                    yield site.replace(f"[{element} for {target} in {filtered}]", 0.45)


def _list_filtered_attributes(site: Site) -> list[tuple[str, str]]:
    pairs: dict[tuple[str, str], None] = {}
    for node in ast.walk(site.scope.source.tree):
        if isinstance(node, ast.comprehension) and isinstance(node.target, ast.Name):
            for part in (inner for test in node.ifs for inner in ast.walk(test)):
                match part:
                    case ast.Attribute(value=ast.Name(id=base), attr=attribute) if base == node.target.id:
                        pairs.setdefault((base, attribute))
    return list(pairs)[:4]


def _list_filtered_zips(site: Site, name: str) -> Iterator[tuple[str, str, str]]:
    """Yield the variable, element of `name` and target of filtered comprehensions over `zip(..., name, ...)`."""
    function = site.statement.function
    for node in ast.walk(function) if function is not None else ():
        match node:
            case ast.Assign(targets=[ast.Name(id=filtered)], value=value) if isinstance(value, _COMPREHENSIONS):
                first = value.generators[0]
                match first.iter, first.target:
                    case ast.Call(func=ast.Name(id="zip"), args=zipped), ast.Tuple(elts=elements) if first.ifs:
                        for argument, element in zip(zipped, elements, strict=False):
                            if isinstance(argument, ast.Name) and argument.id == name:
                                yield filtered, ast.unparse(element), ast.unparse(value.elt)


TEMPLATES = (filtered_elements, recursive_elements, filtered_counterpart)
