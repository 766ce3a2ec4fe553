"""Templates for bounds: an index, range, slice or count is off by one or runs in the wrong direction."""

import ast
from collections.abc import Iterator

from activities.repair.site import Site, TemplateEdit, get_callee
from activities.repair.value_types import ValueType

# The prior in 0..1 that a number is off by one, by its place.
_OFF_BY_ONE = {
    "range": 0.85,
    "slice": 0.7,
    "index": 0.6,
    "compared": 0.6,
    "recursive": 0.75,
    "argument": 0.4,
    "returned": 0.42,
    "assigned": 0.42,
    "repeated": 0.5,
}


def off_by_one(site: Site) -> Iterator[TemplateEdit]:
    """Add or subtract one."""
    place = _classify_place(site)
    if place is None or not isinstance(site.node, ast.expr):
        return
    prior = _OFF_BY_ONE[place]
    match site.node:
        case ast.Constant(value=bool()):
            return
        case ast.Constant(value=int(number)):
            yield site.replace(str(number + 1), prior)
            yield site.replace(str(number - 1), prior * 0.9)
            if number not in (0, 1):
                yield site.replace(str(-number), prior * 0.3)
            return
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=ast.Constant(value=int(number))):
            sign = "+" if isinstance(op, ast.Add) else "-"
            yield site.replace(site.text_of(left), prior)
            yield site.replace(f"{site.text_of(left)} {sign} {number + 1}", prior * 0.7)
            if number > 2:
                yield site.replace(f"{site.text_of(left)} {sign} {number - 1}", prior * 0.7)
            return
        case ast.BinOp(left=ast.Constant(value=int()), op=ast.Add(), right=right):
            yield site.replace(site.text_of(right), prior)
            return
        case ast.Constant() | ast.UnaryOp() | ast.Lambda() | ast.Starred() | ast.Slice():
            return
    value_type = site.type_of(site.node)
    if value_type is ValueType.NUMBER or (
        value_type is ValueType.UNKNOWN and not isinstance(site.node, ast.IfExp | ast.BoolOp)
    ):
        confidence = 1.0 if value_type is ValueType.NUMBER or place in ("range", "slice") else 0.6
        yield site.replace(f"{site.text_of(site.node)} + 1", prior * confidence)
        yield site.replace(f"{site.text_of(site.node)} - 1", prior * confidence * 0.95)


def ranges(site: Site) -> Iterator[TemplateEdit]:
    """Change the start, the end or the direction of a range."""
    match site.node:
        case ast.Call(func=ast.Name(id="range"), args=[end], keywords=[]):
            text = site.text_of(end)
            yield site.replace(f"range(1, {text})", 0.6)
            yield site.replace(f"range(1, {text} + 1)", 0.5)
            yield site.replace(f"range({text} - 1, -1, -1)", 0.45)
        case ast.Call(func=ast.Name(id="range"), args=[start, end], keywords=[]):
            first, last = site.text_of(start), site.text_of(end)
            yield site.replace(f"range({last})", 0.5)
            yield site.replace(f"range({last}, {first})", 0.3)
            yield site.replace(f"range({first}, {last}, -1)", 0.3)
            yield site.replace(f"range({last} - 1, {first} - 1, -1)", 0.3)
            for name in site.variables:
                if site.type_of_name(name) is ValueType.NUMBER:
                    yield site.replace(f"range({name}, {last})", 0.3)
                    yield site.replace(f"range({name} + 1, {last})", 0.4)
        case ast.Call(func=ast.Name(id="range"), args=[start, end, ast.UnaryOp(op=ast.USub())], keywords=[]):
            yield site.replace(f"range({site.text_of(start)}, {site.text_of(end)})", 0.3)


def slices(site: Site) -> Iterator[TemplateEdit]:
    """Add, remove or move a bound of a slice."""
    match site.node:
        case ast.Slice(lower=lower, upper=upper, step=step):
            low, high = _get_text(site, lower), _get_text(site, upper)
            tail = "" if step is None else f":{site.text_of(step)}"
            if low and high:
                yield site.replace(f"{low}:{tail}", 0.5)
                yield site.replace(f":{high}{tail}", 0.5)
            elif low or high:
                yield site.replace(f"{high}:{low}{tail}", 0.7)
            if not high:
                yield site.replace(f"{low}:-1{tail}", 0.4)
            if not low:
                yield site.replace(f"1:{high}{tail}", 0.4)
            if step is None:
                yield site.replace(f"{low}:{high}:-1", 0.25)
            for name in site.variables:
                if site.type_of_name(name) is ValueType.NUMBER:
                    if not low:
                        yield site.replace(f"{name}:{high}{tail}", 0.35)
                    if not high:
                        yield site.replace(f"{low}:{name}{tail}", 0.35)


def indices(site: Site) -> Iterator[TemplateEdit]:
    """Replace an index by the first, the last or its negative, or an element by a slice."""
    match site.node:
        case ast.Subscript(slice=ast.Slice() | ast.Tuple()):
            return
        case ast.Subscript(value=value, slice=index, ctx=ast.Load()):
            base, position = site.text_of(value), site.text_of(index)
            if site.type_of(value) is ValueType.DICT or site.type_of(index) is ValueType.TEXT:
                return
            if position != "-1":
                yield site.replace(f"{base}[-1]", 0.35)
            if position != "0":
                yield site.replace(f"{base}[0]", 0.3)
            if isinstance(index, ast.Name):
                yield site.replace(f"{base}[-{position}]", 0.2)
                yield site.replace(f"{base}[{position}:]", 0.25)
                yield site.replace(f"{base}[:{position}]", 0.25)


def subsequences(site: Site) -> Iterator[TemplateEdit]:
    """Replace a sequence by a slice of it, or a slice by the whole."""
    if site.field not in ("iter", "args", "value") or isinstance(site.parent, ast.Attribute | ast.Subscript):
        return
    match site.node:
        case ast.Name() | ast.Attribute() if site.type_of(site.node) in _SLICEABLE:
            text = site.text_of(site.node)
            prior = 0.45 if site.field == "iter" or site.is_recursive_argument else 0.25
            yield site.replace(f"{text}[1:]", prior)
            yield site.replace(f"{text}[:-1]", prior)
            yield site.replace(f"{text}[::-1]", prior * 0.6)
            for name in site.variables:
                if site.type_of_name(name) is ValueType.NUMBER:
                    yield site.replace(f"{text}[{name}:]", prior)
                    yield site.replace(f"{text}[:{name}]", prior * 0.8)
                    yield site.replace(f"{text}[{name} + 1:]", prior * 0.5)
        case ast.Subscript(value=value, slice=ast.Slice()):
            yield site.replace(site.text_of(value), 0.4)


_SLICEABLE = (ValueType.LIST, ValueType.TEXT, ValueType.TUPLE, ValueType.ITERABLE, ValueType.UNKNOWN)


def _classify_place(site: Site) -> str | None:
    match site.parent, site.field:
        case ast.Call() as call, "args":
            if get_callee(call) == "range":
                return "range"
            return "recursive" if site.is_recursive_argument else "argument"
        case ast.Slice(), "lower" | "upper":
            return "slice"
        case ast.Subscript(), "slice":
            return "index"
        case ast.Compare(ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() | ast.Eq() | ast.NotEq()]), _:
            return "compared"
        case ast.Return(), _:
            return "returned"
        case ast.Assign() | ast.AugAssign(), "value":
            return "assigned"
        case ast.BinOp(op=ast.Mult() | ast.FloorDiv() | ast.Mod()), _:
            return "repeated"
    return None


def _get_text(site: Site, node: ast.expr | None) -> str:
    return "" if node is None else site.text_of(node)


TEMPLATES = (off_by_one, ranges, slices, indices, subsequences)
