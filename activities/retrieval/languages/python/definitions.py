"""The definitions of a Python file: the nodes of each scope are read once, from a stack of their own."""

from __future__ import annotations

import inspect

from tree_sitter import Node

from activities.retrieval.file_facts import BESIDE, MODULE
from activities.retrieval.languages.building import Builder, Draft, clean
from activities.retrieval.languages.python import string_references
from activities.retrieval.languages.python.expressions import chain, kinds, string_content, text, types, values
from activities.retrieval.languages.python.frame import ReaderFrame
from activities.retrieval.languages.python.statements import HANDLERS, Handler
from activities.retrieval.languages.scopes import ClassScope, Reading, Scope
from hydranet.code_graph.model import NodeKind

_DEEPEST = 60
"""Definitions within definitions that are read."""
_PARAMETERS = 50
_OF_CLASS = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})

_IDENTIFIER = kinds("identifier")
_FUNCTION = kinds("function_definition")
_CLASS = kinds("class_definition")
_DECORATED = kinds("decorated_definition")
_LAMBDA = kinds("lambda")
_CALL = kinds("call")
_KEYWORD = kinds("keyword_argument dictionary_splat list_splat comment")
_TYPED = kinds("typed_parameter")
_SPLAT = kinds("list_splat_pattern")
_DOUBLE_SPLAT = kinds("dictionary_splat_pattern")
_NOT_LOOSE = kinds(
    "function_definition class_definition decorated_definition import_statement import_from_statement "
    "future_import_statement comment"
)


def read_module(source: bytes, root: Node) -> Builder:
    """Gather everything below the root of a file's syntax tree."""
    builder, statements = Builder("python", source), root.named_children
    documented = _docstring_node(root)
    builder.docstring = _docstring(root)
    builder.loose = [
        statement for statement in statements if statement.kind_id not in _NOT_LOOSE and statement != documented
    ]
    waiting: list[ReaderFrame] = []
    waiting.append(ReaderFrame(builder, waiting, builder.module, statements, NodeKind.MODULE))
    while waiting:
        _run(waiting.pop())
    return builder


def _run(frame: ReaderFrame) -> None:
    stack = frame.nodes[::-1]
    uses = frame.scope.uses
    while stack:
        node = stack.pop()
        kind = node.kind_id
        if kind in _IDENTIFIER:
            key = (text(node), "", False)
            if key not in uses:
                uses[key] = node.start_point[0] + 1
        elif (handler := _HANDLERS.get(kind)) is not None:
            stack.extend(handler(frame, node)[::-1])
        elif node.named_child_count:
            stack.extend(node.named_children[::-1])


def _decorated(frame: ReaderFrame, node: Node) -> list[Node]:
    children = node.named_children
    inner = children[-1]
    decorators = [item for child in children[:-1] if child.type == "decorator" for item in child.named_children[:1]]
    more: list[Node] = []
    for decorator in decorators:
        # What a decorator is given is its own business: a route, not a request.
        if decorator.kind_id in _CALL:
            frame.use(chain(decorator.named_children[0]), decorator, True)
            more += decorator.named_children
    if inner.kind_id in _FUNCTION:
        return more + _define_function(frame, inner, node, decorators)
    if inner.kind_id in _CLASS:
        return more + _define_class(frame, inner, node, decorators)
    return children


def _function(frame: ReaderFrame, node: Node) -> list[Node]:
    return _define_function(frame, node, node, [])


def _class(frame: ReaderFrame, node: Node) -> list[Node]:
    return _define_class(frame, node, node, [])


def _define_function(frame: ReaderFrame, node: Node, outer: Node, decorators: list[Node]) -> list[Node]:
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    if name is None or frame.depth > _DEEPEST:
        return []
    own, readings = text(name), [chain(decorator) for decorator in decorators]
    draft = _draft(frame, own, outer, NodeKind.METHOD if frame.in_class else NodeKind.FUNCTION, readings)
    scope = Scope(frame.scope.owner if draft is None else draft.number, frame.around)
    inner = frame.within(scope, body, NodeKind.FUNCTION)
    inner.is_fixture = any(_is_fixture(reading) for reading in readings)
    names, more = _parameters(node.child_by_field_name("parameters"), scope, inner.is_fixture or own[:4] == "test")
    result = node.child_by_field_name("return_type")
    if draft is None:
        frame.scope.bind(own)
    else:
        draft.inside, draft.results, draft.decorators = scope, inner.results, readings
        draft.parameters = tuple(names[:_PARAMETERS])
        # An annotation that leads to nothing is still an annotation.
        draft.types = (types(result) or [("!", "")]) if result is not None else []
        _describe(frame.builder, draft, node, body)
        string_references.decorated(frame, draft, decorators)
    if frame.in_class and names and ("staticmethod", "") not in readings:
        inner.receiver = names[0]
        scope.receive(names[0], "cls" if own in _OF_CLASS or ("classmethod", "") in readings else "self")
    inner.nodes = [*more, *([result] if result is not None else []), *inner.nodes]
    frame.waiting.append(inner)
    return []


def _define_class(frame: ReaderFrame, node: Node, outer: Node, decorators: list[Node]) -> list[Node]:
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    if name is None or frame.depth > _DEEPEST:
        return []
    own, given = text(name), node.child_by_field_name("superclasses")
    draft = _draft(frame, own, outer, NodeKind.CLASS)
    if draft is None:
        frame.scope.bind(own)
        inner = frame.within(Scope(frame.scope.owner, frame.around), body, NodeKind.FUNCTION)
        inner.klass = MODULE
    else:
        inner = frame.within(ClassScope(draft.number), body, NodeKind.CLASS)
        inner.klass = draft.number
        draft.decorators = [chain(decorator) for decorator in decorators]
        draft.bases = [chain(item) for item in (given.named_children if given else []) if item.kind_id not in _KEYWORD]
        _describe(frame.builder, draft, node, body)
        string_references.decorated(frame, draft, decorators)
    frame.waiting.append(inner)
    return [given] if given is not None else []


def _draft(
    frame: ReaderFrame, own: str, outer: Node, kind: NodeKind, decorators: list[Reading] | None = None
) -> Draft | None:
    """Return a new definition; None for what belongs to the function that it stands in."""
    if frame.place is NodeKind.FUNCTION:
        return None
    if frame.in_class:
        frame.scope.bind(own)
    beside = any(f"{head}{rest}".endswith(BESIDE) for head, rest in decorators or ())
    return frame.builder.define(own, kind, frame.klass, outer, frame.scope, beside)


def _describe(builder: Builder, draft: Draft, node: Node, body: Node | None) -> None:
    draft.signature = builder.quoted(node.start_byte, body.start_byte if body else node.end_byte)
    draft.docstring = _docstring(body)


def _lambda(frame: ReaderFrame, node: Node) -> list[Node]:
    scope = Scope(frame.scope.owner, frame.around)
    _, more = _parameters(node.child_by_field_name("parameters"), scope, False)
    body = node.child_by_field_name("body")
    if body is not None and frame.depth <= _DEEPEST:
        inner = frame.within(scope, None, NodeKind.FUNCTION)
        inner.nodes = [body]
        frame.waiting.append(inner)
    return more


def _parameters(node: Node | None, scope: Scope, fixtures: bool) -> tuple[list[str], list[Node]]:
    """Bind the parameters of a function; their names, and the types and defaults, which are read around it."""
    names, more = [], []
    for child in node.named_children if node is not None else []:
        kind, value = child.child_by_field_name("type"), child.child_by_field_name("value")
        name = child.child_by_field_name("name") or child
        if child.kind_id in _TYPED and child.named_children:
            name = child.named_children[0]
        step = "*" if name.kind_id in _SPLAT else "%" if name.kind_id in _DOUBLE_SPLAT else ""
        if step and name.named_children:
            name = name.named_children[0]
        if name.kind_id not in _IDENTIFIER:
            continue
        own = text(name)
        names.append(own)
        if kind is not None:
            readings: list[Reading] = [(head, f"{rest}{step}") for head, rest in types(kind)]
        elif value is not None:
            readings = values(value)
        else:
            readings = [(f"&{own}", "")] if fixtures else []
        scope.bind(own, readings)
        more += [item for item in (kind, value) if item is not None]
    return names, more


def _is_fixture(reading: Reading) -> bool:
    name = f"{reading[0]}{reading[1]}".removesuffix("()").rpartition(".")[2]
    return name == "fixture"


def _docstring_node(body: Node | None) -> Node | None:
    for item in body.named_children if body is not None else []:
        if item.type == "comment":
            continue
        inner = item.named_children if item.type == "expression_statement" else []
        return item if inner and inner[0].type == "string" else None
    return None


def _docstring(body: Node | None) -> str:
    statement = _docstring_node(body)
    content = string_content(statement.named_children[0]) if statement is not None else None
    return clean(inspect.cleandoc(content)) if content else ""


_HANDLERS: dict[int, Handler] = (
    HANDLERS
    | dict.fromkeys(_FUNCTION, _function)
    | dict.fromkeys(_CLASS, _class)
    | dict.fromkeys(_DECORATED, _decorated)
    | dict.fromkeys(_LAMBDA, _lambda)
)
