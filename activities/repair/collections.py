"""Templates for what collections hold: their elements are not chosen, not followed, or chosen elsewhere already."""

import ast
from collections.abc import Iterator

from activities.repair.scope import parameters
from activities.repair.site import Site, TemplateEdit
from activities.repair.value_types import COLLECTIONS, ValueType

_SYMBOLS = ("<", ">", "!=", "<=", ">=", "==")
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp)


def choice(site: Site) -> Iterator[TemplateEdit]:
    """Only some elements of a result, chosen by what the file chooses elements by elsewhere."""
    if not isinstance(site.node, ast.Call) or not isinstance(site.parent, ast.Return | ast.Assign | ast.For):
        return
    if site.slot not in ("value", "iter") or site.kind(site.node) not in COLLECTIONS | {
        ValueType.UNKNOWN,
        ValueType.OBJECT,
    }:
        return
    names = [name for name in site.names if name not in ("self", "cls")][:4]
    for target, attribute in _chosen_by(site):
        for name in (name for name in names if name != target):
            for symbol in _SYMBOLS:
                text = f"[{target} for {target} in {site.text(site.node)} if {target}.{attribute} {symbol} {name}]"
                yield site.replace(text, 0.25)


def descent(site: Site) -> Iterator[TemplateEdit]:
    """The function itself for each element, where only the elements are taken."""
    function = site.statement.function
    if function is None or not isinstance(site.node, ast.expr):
        return
    given = [name for name in parameters(function) if name not in ("self", "cls")]
    method = site.scope.owner is not None
    match site.node, site.parent:
        case ast.Starred(value=value), ast.List() | ast.Set() | ast.Tuple() if given:
            own = f"self.{function.name}" if method else function.name
            called = f"{own}({', '.join(['one', *given[1:]])})"
            yield site.replace(f"*(deeper for one in {site.text(value)} for deeper in {called})", 0.4)
        case ast.Call(func=ast.Name(id="list" | "tuple"), args=[value]), _ if method:
            called = f"one.{function.name}({', '.join(given)})"
            yield site.replace(f"[{called} for one in {site.text(value)}]", 0.4)


def counterpart(site: Site) -> Iterator[TemplateEdit]:
    """What is left of a collection after a choice that was made before, for all of it."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load()) if name in site.scope.parameters or name in site.names:
            for kept, element, target in _choices(site, name):
                if kept in site.names and kept != name:
                    yield site.replace(f"[{element} for {target} in {kept}]", 0.45)


def _chosen_by(site: Site) -> list[tuple[str, str]]:
    """Targets and attributes of elements in the conditions of the file's comprehensions."""
    found: dict[tuple[str, str], None] = {}
    for node in ast.walk(site.scope.source.tree):
        if isinstance(node, ast.comprehension) and isinstance(node.target, ast.Name):
            for part in (inner for test in node.ifs for inner in ast.walk(test)):
                match part:
                    case ast.Attribute(value=ast.Name(id=base), attr=attribute) if base == node.target.id:
                        found.setdefault((base, attribute))
    return list(found)[:4]


def _choices(site: Site, name: str) -> Iterator[tuple[str, str, str]]:
    """Of comprehensions that choose from `zip(…, name, …)`: their variable, the element of `name`, and the target."""
    function = site.statement.function
    for node in ast.walk(function) if function is not None else ():
        match node:
            case ast.Assign(targets=[ast.Name(id=kept)], value=value) if isinstance(value, _COMPREHENSIONS):
                first = value.generators[0]
                match first.iter, first.target:
                    case ast.Call(func=ast.Name(id="zip"), args=zipped), ast.Tuple(elts=elements) if first.ifs:
                        for given, element in zip(zipped, elements, strict=False):
                            if isinstance(given, ast.Name) and given.id == name:
                                yield kept, ast.unparse(element), ast.unparse(value.elt)


TEMPLATES = (choice, descent, counterpart)
