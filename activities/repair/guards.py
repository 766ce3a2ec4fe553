"""Templates for guards: a case that should be treated apart (nothing, empty, zero, absent) is not."""

import ast
from collections.abc import Iterator
from itertools import combinations

from activities.repair.site import Site, TemplateEdit, negated
from activities.repair.statement_edits import find_layout
from activities.repair.value_types import COLLECTIONS, ValueType, affinity

_DEFAULTS = {
    ValueType.NUMBER: ("0", "1", "-1"),
    ValueType.TEXT: ("''",),
    ValueType.LIST: ("[]",),
    ValueType.BOOL: ("False", "True"),
    ValueType.DICT: ("{}",),
    ValueType.SET: ("set()",),
    ValueType.TUPLE: ("()",),
}


def early_exit(site: Site) -> Iterator[TemplateEdit]:
    """Leave the function or the round of the loop before the statement when a case needs nothing done."""
    if not _is_plain(site):
        return
    place = find_layout(site.scope.source, site.statement)
    for condition, prior in _cases(site):
        if site.statement.loop is not None:
            yield TemplateEdit((place.before(f"if {condition}:", "\tcontinue"),), prior * 0.8)
            yield TemplateEdit((place.before(f"if {condition}:", "\tbreak"),), prior * 0.5)
        for value, share in _results(site):
            yield TemplateEdit((place.before(f"if {condition}:", f"\treturn {value}".rstrip()),), prior * share)


def only_if(site: Site) -> Iterator[TemplateEdit]:
    """Run the statement only in the cases it is right for."""
    if not _is_plain(site) or isinstance(site.node, ast.Return):
        return
    place = find_layout(site.scope.source, site.statement)
    if not place.movable:
        return
    for condition, prior in _cases(site):
        yield TemplateEdit((place.under(f"if {negated(condition)}:"),), prior * 0.8)
    for text, prior in [*_known_conditions(site), *_comparisons(site)]:
        yield TemplateEdit((place.under(f"if {text}:"),), prior * 0.8)


def base_case(site: Site) -> Iterator[TemplateEdit]:
    """A case that the function answers at once, before anything else."""
    function = site.statement.function
    if function is None or site.statement.parent is not function or site.node is function:
        return
    if site.statement.index and not (site.statement.index == 1 and _has_docstring(function)):
        return
    if not _is_plain(site, simple=False):
        return
    place = find_layout(site.scope.source, site.statement)
    for name in site.scope.parameters:
        kind = site.scope.kinds.of_name(name)
        conditions = [f"not {name}"]
        if kind in (ValueType.NUMBER, ValueType.UNKNOWN):
            conditions += [f"{name} == 0", f"{name} <= 0", f"{name} < 0", f"{name} <= 1", f"{name} == 1"]
        if kind is not ValueType.NUMBER:
            conditions.append(f"{name} is None")
        if kind in COLLECTIONS:
            conditions.append(f"len({name}) <= 1")
        for condition in conditions:
            for value, share in _results(site):
                yield TemplateEdit((place.before(f"if {condition}:", f"\treturn {value}".rstrip()),), 0.4 * share)


def stronger(site: Site) -> Iterator[TemplateEdit]:
    """One more thing that a condition asks for, or one that is enough for it."""
    if not site.is_condition or not isinstance(site.node, ast.expr) or isinstance(site.node, ast.Constant):
        return
    own = site.text(site.node)
    either = f"({own})" if isinstance(site.node, ast.BoolOp) and isinstance(site.node.op, ast.Or) else own
    if isinstance(site.node, ast.IfExp | ast.Lambda | ast.NamedExpr):
        own = either = f"({own})"
    for condition, prior in _cases(site, site.node):
        yield site.replace(f"{condition} or {own}", prior)
        yield site.replace(f"{negated(condition)} and {either}", prior)
    for condition in _about_parts(site):
        yield site.replace(f"{either} and {condition}", 0.3)
    for condition, prior in [*_known_conditions(site), *_conditions_elsewhere(site), *_comparisons(site)]:
        if condition not in own:
            yield site.replace(f"{either} and {condition}", prior)
            yield site.replace(f"{own} or {condition}", prior * 0.9)


def fallback(site: Site) -> Iterator[TemplateEdit]:
    """A default for a value that may be missing."""
    if site.slot in ("func", "targets", "target") or not isinstance(site.node, ast.expr):
        return
    match site.node:
        case ast.Subscript(value=value, slice=key, ctx=ast.Load()) if not isinstance(key, ast.Slice):
            if site.kind(value) in (ValueType.DICT, ValueType.UNKNOWN, ValueType.OBJECT):
                head, inside = site.text(value), site.text(key)
                sure = 1.0 if site.kind(value) is ValueType.DICT else 0.5
                yield site.replace(f"{head}.get({inside})", 0.4 * sure)
                for default in ("0", "[]", "''", inside):
                    yield site.replace(f"{head}.get({inside}, {default})", 0.35 * sure)
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[key]):
            for default in ("0", "[]", "''", "{}", "False", "True"):
                yield site.replace(f"{site.text(value)}.get({site.text(key)}, {default})", 0.35)
        case ast.Attribute(value=ast.Name() as value) if not _is_self(value) and site.slot != "value":
            text = site.text(site.node)
            yield site.replace(f"{text} if {site.text(value)} is not None else None", 0.3)
            yield site.replace(f"{text} if {site.text(value)} else None", 0.2)
        case ast.BinOp(op=ast.Div() | ast.FloorDiv() | ast.Mod(), right=right):
            if not isinstance(right, ast.Constant):
                yield site.replace(f"{site.text(site.node)} if {site.text(right)} else 0", 0.4)
    if isinstance(site.node, ast.Name | ast.Call | ast.Attribute) and site.slot in ("args", "value", "iter"):
        if isinstance(site.parent, ast.Attribute | ast.Subscript | ast.Expr):
            return
        kind = site.kind(site.node)
        for default in _DEFAULTS.get(kind, ("[]", "0", "''", "{}")):
            yield site.replace(f"{site.text(site.node)} or {default}", 0.2 if site.slot != "iter" else 0.3)


def caught(site: Site) -> Iterator[TemplateEdit]:
    """An exception that is expected, or another one than is caught."""
    if isinstance(site.statement.node, ast.Try) and site.node is site.statement.node:
        source = site.scope.source
        for handler in site.statement.node.handlers:
            if handler.type is not None:
                for other in [*_relatives(site.text(handler.type)), *_own_errors(site)]:
                    splice = source.replace(handler.type, other)
                    yield TemplateEdit((splice,), 0.5)
    if _is_plain(site) and not isinstance(site.node, ast.Return):
        place = find_layout(site.scope.source, site.statement)
        if place.movable:
            for error in _risks(site.node):
                head = [f"{place.indent}try:", *place.lines(place.deeper()), f"{place.indent}except {error}:"]
                for action in ("continue", "break") if site.statement.loop is not None else ("pass", "return None"):
                    yield TemplateEdit((place.become([*head, place.deeper() + action]),), 0.2)


def _cases(site: Site, within: ast.expr | None = None) -> list[tuple[str, float]]:
    """The conditions under which what the site does could not be done, likeliest first."""
    found: dict[str, float] = {}

    def add(condition: str, prior: float) -> None:
        found[condition] = max(prior, found.get(condition, 0.0))

    header = [within] if within is not None else list(_header(site.statement.node))
    for node in (inner for part in header for inner in ast.walk(part)):
        match node:
            case ast.Attribute(value=ast.Name() | ast.Attribute() | ast.Subscript() as value) if not _is_self(value):
                if site.scope.can_name(value, site.names) and not _is_module(site, value):
                    add(f"{site.text(value)} is None", 0.7)
                    add(f"not {site.text(value)}", 0.3)
            case ast.Subscript(value=value, slice=key, ctx=ast.Load()) if site.scope.can_name(node, site.names):
                base = site.text(value)
                if isinstance(key, ast.Slice):
                    continue
                if site.kind(value) is not ValueType.DICT:
                    add(f"not {base}", 0.45)
                    if not isinstance(key, ast.Constant):
                        add(f"{site.text(key)} >= len({base})", 0.5)
                        add(f"{site.text(key)} < 0", 0.35)
                if site.kind(value) in (ValueType.DICT, ValueType.UNKNOWN):
                    add(f"{site.text(key)} not in {base}", 0.55)
            case ast.BinOp(op=ast.Div() | ast.FloorDiv() | ast.Mod(), right=right):
                if not isinstance(right, ast.Constant) and site.scope.can_name(right, site.names):
                    text = site.text(right)
                    add(f"{text} == 0" if isinstance(right, ast.Name) else f"not {text}", 0.6)
            case ast.Name(id=name, ctx=ast.Load()) if name in site.names and name not in ("self", "cls"):
                kind = site.scope.kinds.of_name(name)
                if kind in COLLECTIONS or kind is ValueType.UNKNOWN:
                    add(f"not {name}", 0.35)
                if kind is ValueType.NUMBER:
                    add(f"{name} <= 0", 0.25)
                    add(f"{name} == 0", 0.3)
                elif kind in (ValueType.UNKNOWN, ValueType.OBJECT):
                    add(f"{name} is None", 0.35)
    if within is None:
        for condition, prior in [*_known_conditions(site), *_memberships(site)]:
            add(condition, prior)
    return sorted(found.items(), key=lambda item: -item[1])[:16]


def _known_conditions(site: Site) -> list[tuple[str, float]]:
    usable = (node for node in site.scope.conditions if site.scope.can_name(node, site.names))
    return [(site.text(node), 0.3) for node in usable if not isinstance(node, ast.BoolOp)][:12]


def _conditions_elsewhere(site: Site) -> list[tuple[str, float]]:
    usable = (node for node in site.scope.conditions_elsewhere if site.scope.can_name(node, site.names))
    return [(site.text(node), 0.28) for node in usable][:12]


def _about_parts(site: Site) -> list[str]:
    """Comparisons of the parts of what a condition asks to be there with the parameters."""
    match site.node:
        case (
            ast.Name(id=name)
            | ast.Compare(left=ast.Name(id=name), ops=[ast.IsNot()], comparators=[ast.Constant(value=None)])
        ):
            parts: dict[str, None] = {f"{name}[0]": None, f"{name}[1]": None}
            for node in ast.walk(site.scope.region.node or site.scope.source.tree):
                match node:
                    case (
                        ast.Attribute(value=ast.Name(id=base))
                        | ast.Subscript(value=ast.Name(id=base), slice=ast.Constant(value=int()))
                    ) if base == name:
                        parts.setdefault(site.text(node))
            return [
                f"{part} {symbol} {other}"
                for part in parts
                for other in site.scope.parameters
                if other != name and other in site.names
                for symbol in ("<", ">", "<=", ">=", "==", "!=")
            ][:48]
    return []


def _memberships(site: Site) -> list[tuple[str, float]]:
    """`x in seen` for what a loop has to do only once."""
    kinds = {name: site.scope.kinds.of_name(name) for name in site.names}
    holders = [name for name, kind in kinds.items() if kind in (ValueType.SET, ValueType.DICT, ValueType.LIST)]
    items = [name for name, kind in kinds.items() if kind not in COLLECTIONS and kind is not ValueType.CALLABLE]
    pairs = [(item, holder) for holder in holders for item in items if item not in ("self", "cls")]
    return [
        (f"{item} {word} {holder}", 0.4 if kinds[holder] is ValueType.SET else 0.3)
        for item, holder in pairs[:8]
        for word in ("in", "not in")
    ]


def _comparisons(site: Site) -> list[tuple[str, float]]:
    """Simple conditions over the names in scope."""
    found = list(_memberships(site))
    names = [name for name in site.names if name not in ("self", "cls")][:7]
    kinds = {name: site.scope.kinds.of_name(name) for name in names}
    for name in names:
        if kinds[name] in COLLECTIONS | {ValueType.UNKNOWN, ValueType.BOOL}:
            found += [(name, 0.22), (f"not {name}", 0.22)]
        if kinds[name] is ValueType.NUMBER:
            found += [(f"{name} > 0", 0.25), (f"{name} >= 0", 0.2)]
    for item, other in _elements(kinds):
        found += [(f"{item} {symbol} {other}", 0.16) for symbol in ("<", ">", "==", "!=")]
    for one, other in combinations(names, 2):
        if kinds[one] is ValueType.CALLABLE or kinds[other] is ValueType.CALLABLE:
            continue
        fit = affinity(kinds[one], kinds[other])
        if fit >= 0.7:
            symbols = (
                ("<", ">", "<=", ">=", "!=", "==") if kinds[one] is kinds[other] is ValueType.NUMBER else ("!=", "==")
            )
            found += [(f"{one} {symbol} {other}", 0.22 * fit) for symbol in symbols]
    return found


def _elements(kinds: dict[str, ValueType]) -> list[tuple[str, str]]:
    """An element of each sequence, by each number that could be its index, beside each other variable."""
    holders = [name for name, kind in kinds.items() if kind in (ValueType.LIST, ValueType.ITERABLE, ValueType.TUPLE)]
    numbers = [name for name, kind in kinds.items() if kind is ValueType.NUMBER]
    others = [name for name, kind in kinds.items() if kind in (ValueType.NUMBER, ValueType.UNKNOWN)]
    triples = [(holder, index, other) for holder in holders for index in numbers for other in others]
    return [(f"{holder}[{index}]", other) for holder, index, other in triples if other != index][:20]


def _results(site: Site) -> list[tuple[str, float]]:
    """What a guard may return, with the share of each."""
    if site.statement.function is None:
        return []
    if site.scope.yields:
        return [("", 0.8)]
    values = dict.fromkeys(site.scope.returned, 1.0)
    for name in site.scope.parameters:
        values.setdefault(name, 0.5)
    kinds = {site.kind(node.value) for node in ast.walk(site.statement.function) if isinstance(node, ast.Return)}
    for kind in ValueType:
        if kind in kinds:
            for default in _DEFAULTS.get(kind, ()):
                values.setdefault(default, 0.8)
    values.setdefault("None", 0.6)
    usable = [(text, share) for text, share in values.items() if not text.isidentifier() or _is_known(site, text)]
    return usable[:8]


def _is_known(site: Site, text: str) -> bool:
    return text in site.names or text in ("None", "True", "False")


def _is_plain(site: Site, *, simple: bool = True) -> bool:
    """Whether the site is a whole statement, on lines of its own, that does something."""
    if site.node is not site.statement.node or not find_layout(site.scope.source, site.statement).alone:
        return False
    if isinstance(site.node, ast.Pass | ast.Break | ast.Continue | ast.Global | ast.Nonlocal | ast.ClassDef):
        return False
    if isinstance(site.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return not simple and site.node is not site.scope.region.node
    parent = site.statement.parent
    return not (isinstance(parent, ast.If) and site.node in parent.orelse and isinstance(site.node, ast.If))


def _header(node: ast.stmt) -> Iterator[ast.expr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _is_module(site: Site, node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and isinstance(site.scope.globals.get(node.id), ast.Import | ast.ImportFrom)


def _has_docstring(function: ast.AST) -> bool:
    return isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(function) is not None


_RELATIVES = (
    ("KeyError", "IndexError", "LookupError", "AttributeError"),
    ("ValueError", "TypeError", "AttributeError", "KeyError"),
    ("OSError", "FileNotFoundError", "PermissionError"),
    ("ZeroDivisionError", "ArithmeticError", "OverflowError"),
    ("ImportError", "ModuleNotFoundError"),
    ("UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "ValueError"),
)


def _relatives(text: str) -> list[str]:
    """Exception types that could be meant by `text`, and both together."""
    if not text.isidentifier():
        return ["Exception"]
    others = list(dict.fromkeys(name for group in _RELATIVES if text in group for name in group if name != text))
    others = others or ["ValueError", "TypeError", "KeyError", "AttributeError"]
    return [f"({text}, {other})" for other in others] + others + ["Exception"]


def _own_errors(site: Site) -> list[str]:
    """The exceptions that the repository itself defines and the file knows."""
    return [name for name in site.scope.globals if name.endswith(("Error", "Exception"))]


def _risks(node: ast.AST) -> list[str]:
    found = []
    for inner in ast.walk(node):
        match inner:
            case ast.Subscript(slice=ast.Slice()):
                pass
            case ast.Subscript(ctx=ast.Load()):
                found += ["KeyError", "IndexError"]
            case ast.Call(func=ast.Name(id="int" | "float")):
                found += ["ValueError"]
            case ast.Call(func=ast.Name(id="next")):
                found += ["StopIteration"]
            case ast.Call(func=ast.Attribute(attr="index" | "remove")):
                found += ["ValueError"]
            case ast.BinOp(op=ast.Div() | ast.FloorDiv() | ast.Mod()):
                found += ["ZeroDivisionError"]
    return list(dict.fromkeys(found))


TEMPLATES = (early_exit, only_if, base_case, stronger, fallback, caught)
