"""What the statements and expressions of Python bind and use, one handler for each kind of node.

A handler notes what its node says and gives the nodes below that are still to be read.
"""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from activities.retrieval.file_facts import ImportFact
from activities.retrieval.languages.python import string_references
from activities.retrieval.languages.python.expressions import (
    chain,
    dotted,
    kinds,
    string_content,
    targets,
    text,
    types,
    values,
)
from activities.retrieval.languages.python.frame import ReaderFrame
from activities.retrieval.languages.scopes import Reading
from hydranet.code_graph.model import NodeKind

_IDENTIFIER = kinds("identifier")
_ATTRIBUTE = kinds("attribute")
_ARGUMENTS = kinds("argument_list")
_TYPE = kinds("type")
_QUOTES = frozenset(b"\"'")
_SHORTEST_QUERY = 20


Handler = Callable[[ReaderFrame, Node], list[Node]]


def _call(frame: ReaderFrame, node: Node) -> list[Node]:
    children = node.named_children
    if not children:
        return []
    function, given = children[0], children[1:]
    if function.kind_id in _IDENTIFIER:
        reading: Reading = (text(function), "")
        more: list[Node] = []
    elif function.kind_id in _ATTRIBUTE:
        reading, more = _read_attribute(frame, function)
    else:
        reading, more = chain(function), [function]
    frame.use(reading, node, True)
    if len(given) == 1 and given[0].kind_id in _ARGUMENTS:
        given = given[0].named_children
        if given:
            string_references.called(frame, node, reading, given)
        if reading == ("isinstance", "") and len(given) == 2:
            _narrow(frame, *given)
    return [*more, *given]


def _read_attribute(frame: ReaderFrame, node: Node) -> tuple[Reading, list[Node]]:
    names = dotted(node)
    if names is None:
        return chain(node), node.named_children[:1]
    head, _, rest = names.partition(".")
    frame.use((head, ""), node, False)
    end = rest.find(".")
    while end >= 0:
        frame.use((head, f".{rest[:end]}"), node, False)
        end = rest.find(".", end + 1)
    return (head, f".{rest}"), []


def _narrow(frame: ReaderFrame, value: Node, kind: Node) -> None:
    """Take a local name for what `isinstance` says that it is."""
    if value.kind_id in _IDENTIFIER and (name := text(value)) in frame.scope.names:
        kinds = kind.named_children if kind.type == "tuple" else [kind]
        frame.scope.bind(name, [item for each in kinds[:3] for item in types(each)])


def _attribute(frame: ReaderFrame, node: Node) -> list[Node]:
    reading, more = _read_attribute(frame, node)
    frame.use(reading, node, False)
    return more


def _subscript(frame: ReaderFrame, node: Node) -> list[Node]:
    children = node.named_children
    if len(children) == 2:
        string_references.keyed(frame, children[1])
    return children


def _string(frame: ReaderFrame, node: Node) -> list[Node]:
    start, end = node.start_byte, node.end_byte
    if end - start > _SHORTEST_QUERY:
        string_references.queried(frame, node)
    if frame.builder.source[start] in _QUOTES:
        return []
    return [item for item in node.named_children if item.type == "interpolation"]


def _assignment(frame: ReaderFrame, node: Node) -> list[Node]:
    children = node.named_children
    left, kind, right = children[0], None, children[-1] if len(children) > 1 else None
    if len(children) > 1 and children[1].kind_id in _TYPE:
        kind, right = children[1], children[2] if len(children) > 2 else None
    readings = types(kind) if kind is not None else []
    if not readings and right is not None:
        readings = values(right)
    more = [item for item in (kind, right) if item is not None]
    for target, bound in targets(left, readings):
        frame.bind(target, bound)
        if target.kind_id in _ATTRIBUTE:
            more += target.named_children[:1]
    if left.type == "subscript":
        more.append(left)
    if right is not None and frame.place is not NodeKind.FUNCTION:
        string_references.assigned(frame, left, right)
    return more


def _augmented(frame: ReaderFrame, node: Node) -> list[Node]:
    children = node.named_children
    if len(children) == 2 and frame.place is NodeKind.MODULE:
        string_references.assigned(frame, *children)
    return children


def _named(frame: ReaderFrame, node: Node) -> list[Node]:
    children = node.named_children
    if len(children) == 2:
        frame.bind(children[0], values(children[1]))
    return children[1:]


def _for(frame: ReaderFrame, node: Node) -> list[Node]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return node.named_children
    readings = values(right)
    places = left.named_children if left.type in ("pattern_list", "tuple_pattern") else []
    head, rest = readings[0] if readings else ("", "")
    given = right.child_by_field_name("arguments") if right.type == "call" else None
    if len(places) == 2 and rest.endswith(".items()"):
        pairs = [(places[0], []), (places[1], [(head, f"{rest.removesuffix('.items()')}[]")])]
    elif len(places) == 2 and (head, rest) == ("enumerate", "()") and given is not None and given.named_children:
        pairs = [(places[0], []), (places[1], [(h, f"{r}#") for h, r in values(given.named_children[0])])]
    else:
        pairs = [(left, [(h, f"{r}#") for h, r in readings])]
    for place, bound in pairs:
        for target, value in targets(place, bound):
            frame.bind(target, value)
    return [item for item in node.named_children if item != left]


def _with(frame: ReaderFrame, node: Node) -> list[Node]:
    pattern = node.named_children[0] if node.named_children else node
    children = pattern.named_children
    if pattern.type != "as_pattern" or len(children) != 2:
        return node.named_children
    entered = [(head, f"{rest}.__enter__()") for head, rest in values(children[0])]
    for target, bound in targets(children[1], entered):
        frame.bind(target, bound)
    return children[:1]


def _except(frame: ReaderFrame, node: Node) -> list[Node]:
    children = node.named_children
    pattern = children[0].named_children if children and children[0].type == "as_pattern" else []
    if len(pattern) != 2:
        return children
    classes = pattern[0].named_children if pattern[0].type == "tuple" else pattern[:1]
    for target, bound in targets(pattern[1], [item for each in classes[:4] for item in types(each)]):
        frame.bind(target, bound)
    return [pattern[0], *children[1:]]


def _return(frame: ReaderFrame, node: Node) -> list[Node]:
    for child in node.named_children:
        if len(frame.results) < 8:
            frame.results.extend(values(child))
    return node.named_children


def _yield(frame: ReaderFrame, node: Node) -> list[Node]:
    for child in node.named_children:
        if len(frame.results) < 8:
            # The value of a fixture is what it yields; that of another generator is a sequence of it.
            frame.results.extend((head, rest if frame.is_fixture else f"{rest}*") for head, rest in values(child))
    return node.named_children


def _foreign(frame: ReaderFrame, node: Node) -> list[Node]:
    names = {text(child) for child in node.named_children}
    if node.type == "global_statement" or frame.scope.outer is not None:
        frame.scope.foreign |= names
    return []


def _type(frame: ReaderFrame, node: Node) -> list[Node]:
    """Return a type; what it writes as a string is used as well."""
    stack, plain = node.named_children, []
    while stack:
        inner = stack.pop()
        if string_content(inner) is not None:
            for head, rest in types(inner):
                frame.use((head, rest.rstrip("()*%#")), inner, False)
        elif inner.kind_id in _IDENTIFIER or inner.kind_id in _ATTRIBUTE:
            plain.append(inner)
        else:
            stack.extend(inner.named_children)
    return plain


def _import(frame: ReaderFrame, node: Node) -> list[Node]:
    for child in node.named_children:
        if child.type == "aliased_import" and child.named_child_count == 2:
            name, alias = child.named_children
            _add_import(frame, text(name), "", text(alias), node)
        elif child.type == "dotted_name":
            name_of_root = text(child.named_children[0])
            if name_of_root != text(child):
                _add_import(frame, text(child), "", "", node)
            _add_import(frame, name_of_root, "", name_of_root, node)
    return []


def _import_from(frame: ReaderFrame, node: Node) -> list[Node]:
    source = node.child_by_field_name("module_name")
    if source is None:
        return []
    module = "".join(text(source).split())
    if any(child.type == "wildcard_import" for child in node.named_children):
        _add_import(frame, module, "*", "*", node)
    for child in node.children_by_field_name("name"):
        inner = child.named_children
        if child.type == "aliased_import" and len(inner) == 2:
            _add_import(frame, module, text(inner[0]), text(inner[1]), node)
        elif child.type == "dotted_name":
            _add_import(frame, module, text(child), text(child), node)
    return []


def _add_import(frame: ReaderFrame, module: str, name: str, alias: str, node: Node) -> None:
    imports = frame.builder.imports
    local = frame.place is not NodeKind.MODULE and alias not in frame.scope.foreign
    if local and alias not in ("", "*"):
        number: list[Reading] = [(f"@{len(imports)}", "")]
        frame.scope.bind(alias, number)
        if frame.in_class:
            frame.builder.members.setdefault((frame.klass, alias), []).append((frame.scope, number))
    known_as = "" if local and alias != "*" else alias
    imports.append(ImportFact(frame.scope.owner, node.start_point[0] + 1, module, name, known_as))


def _last_child(_: ReaderFrame, node: Node) -> list[Node]:
    return node.named_children[-1:]


def _nothing(_: ReaderFrame, __: Node) -> list[Node]:
    return []


HANDLERS: dict[int, Handler] = {
    kind: handler
    for names, handler in {
        "call": _call,
        "attribute": _attribute,
        "subscript": _subscript,
        "string": _string,
        "assignment": _assignment,
        "augmented_assignment": _augmented,
        "named_expression": _named,
        "for_statement for_in_clause": _for,
        "with_item": _with,
        "except_clause": _except,
        "return_statement": _return,
        "yield": _yield,
        "global_statement nonlocal_statement": _foreign,
        "keyword_argument": _last_child,
        "import_statement": _import,
        "import_from_statement": _import_from,
        "future_import_statement comment": _nothing,
        "type": _type,
    }.items()
    for kind in kinds(names)
}
