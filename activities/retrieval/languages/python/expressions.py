"""Python's expressions and types in the postfix notation of facts, by tree-sitter.

"!" is the head of what is made by syntax alone, such as a string: none of the repository's names.
"""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from activities.retrieval.languages.scopes import Reading

LANGUAGE = Language(tree_sitter_python.language())

_DEEPEST = 24
"""Steps of one expression that are followed."""
_LONGEST_DOTTED = 120
_WIDEST = 4
"""Alternatives, or elements of a display, that are read."""

_SEQUENCES = frozenset(
    "list List set Set frozenset FrozenSet tuple Tuple Sequence MutableSequence Iterable Iterator Collection "
    "Deque deque AbstractSet MutableSet AsyncIterable AsyncIterator Generator AsyncGenerator KeysView ValuesView "
    "Container".split()
)
_MAPPINGS = frozenset(
    "dict Dict Mapping MutableMapping OrderedDict DefaultDict defaultdict ItemsView ChainMap WeakKeyDictionary "
    "WeakValueDictionary".split()
)
_TRANSPARENT = frozenset(
    "Optional Union ClassVar Final Annotated Awaitable Coroutine Required NotRequired ReadOnly ContextManager "
    "AsyncContextManager AbstractContextManager AbstractAsyncContextManager".split()
)
_LAST = frozenset({"Coroutine"})
_FIRST = frozenset({"Annotated", "Generator", "AsyncGenerator", "ContextManager", "AbstractContextManager"})
_SYNTAX_ALONE = (
    "string concatenated_string integer float true false comparison_operator not_operator list set tuple dictionary "
    "list_comprehension set_comprehension dictionary_comprehension generator_expression"
)


def kinds(names: str) -> frozenset[int]:
    """Return the ids of the kinds of nodes with these names; the grammar may have several of a name."""
    wanted = set(names.split())
    return frozenset(kind for kind in range(LANGUAGE.node_kind_count) if LANGUAGE.node_kind_for_id(kind) in wanted)


_IDENTIFIER = kinds("identifier")
_ATTRIBUTE = kinds("attribute")
_CALL = kinds("call")
_SUBSCRIPT = kinds("subscript")
_TRANSPARENT_NODES = kinds("await parenthesized_expression type as_pattern_target expression_statement module")
_MADE = kinds(_SYNTAX_ALONE)
_STRING = kinds("string")
_SLICE = kinds("slice")


def text(node: Node) -> str:
    """Return the text of a node."""
    return node.text.decode()  # type: ignore[union-attr]


def dotted(node: Node) -> str | None:
    """Return the text of an attribute that is names alone; None of any other."""
    matches = text(node)
    return matches if len(matches) <= _LONGEST_DOTTED and matches.replace(".", "").isidentifier() else None


def chain(node: Node) -> Reading:
    """Return an expression of names, attributes, calls and subscripts."""
    rest = ""
    for _ in range(_DEEPEST):
        kind = node.kind_id
        if kind in _ATTRIBUTE and (head := dotted(node)) is not None:
            name, dot, steps = head.partition(".")
            return name, f"{dot}{steps}{rest}"
        if kind in _IDENTIFIER:
            return text(node), rest
        if kind in _MADE:
            return "!", rest
        children = node.named_children
        if not children:
            break
        if kind in _ATTRIBUTE:
            rest = f".{text(children[-1])}{rest}"
        elif kind in _CALL:
            rest = f"(){rest}"
        elif kind in _SUBSCRIPT:
            rest = rest if children[-1].kind_id in _SLICE else f"[]{rest}"
        elif kind not in _TRANSPARENT_NODES:
            break
        node = children[0]
    return "", rest


def values(node: Node, depth: int = 0) -> list[Reading]:
    """Return what the value of an expression may be; empty when nothing is known."""
    children = node.named_children
    if depth > 3:
        return []
    match node.type:
        case "conditional_expression" if len(children) == 3:
            return values(children[0], depth + 1) + values(children[2], depth + 1)
        case "boolean_operator" if len(children) == 2:
            return values(children[0], depth + 1) + values(children[1], depth + 1)
        case "parenthesized_expression" | "await" if children:
            return values(children[-1], depth + 1)
        case "assignment" | "named_expression" if len(children) > 1:
            return values(children[-1], depth + 1)
        case "list" | "set" | "tuple" | "expression_list":
            return _all([value for child in children[:_WIDEST] for value in values(child, depth + 1)], "*")
        case "list_comprehension" | "set_comprehension" | "generator_expression" if children:
            return _all(values(children[0], depth + 1), "*")
        case "dictionary" | "dictionary_comprehension":
            pairs = [child.named_children for child in children[:_WIDEST] if child.type == "pair"]
            return _all([value for pair in pairs for value in values(pair[-1], depth + 1)], "%")
        case "call":
            return _called(node, children)
        case "subscript" if children and text(children[0]).rpartition(".")[2] in _TRANSPARENT | {"Type", "type"}:
            return [(head, rest.removesuffix("()")) for head, rest in types(node)]
        case "subscript" if children and text(children[0]).rpartition(".")[2] in _SEQUENCES | _MAPPINGS:
            return types(node)
        case "none":
            return []
    matches = chain(node)
    return [matches] if matches[0] else []


def types(node: Node, depth: int = 0) -> list[Reading]:
    """Return what a value of the type that `node` writes may be."""
    if depth > 6:
        return []
    children = node.named_children
    match node.type:
        case "identifier":
            name = text(node)
            return [("self", "")] if name == "Self" else [(name, "()")]
        case "attribute":
            head, rest = chain(node)
            return [("self", "") if rest.endswith(".Self") else (head, f"{rest}()")]
        case "type" | "parenthesized_expression" if children:
            return types(children[0], depth + 1)
        case "string":
            return _quoted(node, depth)
        case "binary_operator" | "union_type":
            return [item for child in children for item in types(child, depth + 1)]
        case "generic_type" | "subscript" if len(children) > 1:
            return _generic(children, depth)
    return []


def _called(node: Node, children: list[Node]) -> list[Reading]:
    """Return a call; of `cast` and `TypeVar` the type that is given."""
    name = text(children[0]).rpartition(".")[2] if len(children) == 2 and children[0].child_count < 4 else ""
    given = children[1].named_children if name in ("cast", "TypeVar") else []
    if name == "cast" and given:
        return types(given[0])
    if name == "TypeVar":
        bounds = [item.named_children[-1] for item in given if item.type == "keyword_argument"]
        return [(head, rest.removesuffix("()")) for bound in bounds for head, rest in types(bound)]
    return [chain(node)]


def _generic(children: list[Node], depth: int) -> list[Reading]:
    base = text(children[0]).rpartition(".")[2]
    given = [
        item for child in children[1:] for item in (child.named_children if child.type == "type_parameter" else [child])
    ]
    if base in ("Type", "type"):
        return [(head, rest.removesuffix("()")) for item in given for head, rest in types(item, depth + 1)]
    if base == "Literal":
        return [("!", "")]
    if base in _FIRST:
        given = given[:1]
    elif base in _MAPPINGS or base in _LAST:
        given = given[-1:]
    inner = [reading for item in given[:_WIDEST] for reading in types(item, depth + 1)]
    if base in _SEQUENCES:
        return _all(inner, "*")
    if base in _MAPPINGS:
        return _all(inner, "%")
    return inner if base in _TRANSPARENT else types(children[0], depth + 1)


def _quoted(node: Node, depth: int) -> list[Reading]:
    content = [child for child in node.named_children if child.type == "string_content"]
    if len(content) != 1 or content[0].end_byte - content[0].start_byte > 300:
        return []
    inner = Parser(LANGUAGE).parse(content[0].text or b"").root_node.named_children
    expression = inner[0].named_children if inner and inner[0].type == "expression_statement" else []
    return types(expression[0], depth + 1) if expression else []


def _all(readings: list[Reading], step: str) -> list[Reading]:
    """Return a container of these; of nothing that is known, one that syntax made."""
    return [(head, rest + step) for head, rest in readings] or [("!", "")]


def string_content(node: Node) -> str | None:
    """Return the text between the quotes of a plain string; what is filled into it is "{}"."""
    if node.kind_id not in _STRING:
        return None
    whole = text(node)
    if whole[0] in "\"'" and whole[1:2] != whole[0]:
        return whole[1:-1]
    parts = []
    for child in node.named_children:
        if child.type == "string_content":
            parts.append(text(child))
        elif child.type == "interpolation":
            parts.append("{}")
    return "".join(parts)


def targets(node: Node, readings: list[Reading]) -> Iterator[tuple[Node, list[Reading]]]:
    """Yield the names and attributes that an assignment binds, each with what it is bound to."""
    stack = [(node, readings, 0)]
    while stack:
        target, bound, depth = stack.pop()
        kind = target.type
        if kind in ("identifier", "attribute"):
            yield target, bound
        elif kind in ("pattern_list", "tuple_pattern", "list_pattern", "as_pattern_target", "parenthesized_expression"):
            element = bound if kind == "as_pattern_target" else [(head, f"{rest}#") for head, rest in bound]
            if depth < 5:
                stack.extend((child, element, depth + 1) for child in target.named_children)
        elif kind == "list_splat_pattern":
            stack.extend((child, [], depth + 1) for child in target.named_children)
