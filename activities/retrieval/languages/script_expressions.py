"""Expressions and types of JavaScript and TypeScript, as facts hold them."""

from __future__ import annotations

from tree_sitter import Node

from activities.code.language import read_text
from activities.retrieval.languages.scopes import Reading

_STEPS = 24


def read_chain(node: Node) -> Reading:
    """Return an expression as a head and the steps from it."""
    rest = ""
    for _ in range(_STEPS):
        children = node.named_children
        match node.type:
            case "identifier" | "type_identifier":
                return read_text(node), rest
            case "this":
                return "self", rest
            case "super":
                return "super", f"(){rest}" if rest else "().constructor"
            case "string" | "template_string" | "number" | "array" | "object" | "regex":
                return "!", rest
            case "member_expression" | "nested_type_identifier" if len(children) > 1:
                rest = f".{read_text(children[-1])}{rest}"
            case "call_expression" | "new_expression" if children:
                rest = f"(){rest}"
            case "subscript_expression" if children:
                rest = f"[]{rest}"
            case "await_expression" | "parenthesized_expression" | "non_null_expression" | "as_expression" if children:
                pass
            case _:
                return "", rest
        node = children[0]
    return "", rest


def read_types(annotation: Node | None) -> list[Reading]:
    """Return what an annotation says that a value is."""
    types: list[Reading] = []
    stack = [(annotation, "")] if annotation is not None else []
    for _ in range(_STEPS):
        if not stack:
            break
        node, step = stack.pop()
        children = node.named_children
        match node.type:
            case "type_identifier" | "nested_type_identifier":
                head, rest = read_chain(node)
                types.append((head, f"{rest}(){step}"))
            case "type_annotation" | "union_type" | "parenthesized_type" | "readonly_type":
                stack.extend((item, step) for item in children)
            case "array_type" if children:
                stack.append((children[0], f"{step}*"))
            case "generic_type" if len(children) > 1 and read_text(children[0]) in ("Array", "ReadonlyArray", "Set"):
                stack.extend((item, f"{step}*") for item in children[1].named_children)
            case "generic_type" if len(children) > 1 and read_text(children[0]) in ("Promise", "Partial", "Readonly"):
                stack.extend((item, step) for item in children[1].named_children)
            case "generic_type" if children:
                stack.append((children[0], step))
    return types


def read_heritage(node: Node) -> list[Reading]:
    """Return the bases of a class."""
    clauses = [item for item in node.named_children if item.type in ("extends_clause", "implements_clause")] or [node]
    matches = []
    for clause in clauses:
        for item in clause.named_children:
            inner = item.named_children[0] if item.type == "generic_type" and item.named_children else item
            if inner.type != "type_arguments":
                matches.append(read_chain(inner))
    return matches


def read_required(value: Node | None) -> tuple[bool, str]:
    """Return whether a value is `require("…")`, and of which module."""
    if value is None or value.type != "call_expression" or len(value.named_children) != 2:
        return False, ""
    function, arguments = value.named_children
    module = read_string(arguments.named_children[0]) if arguments.named_child_count == 1 else None
    return read_text(function) == "require" and module is not None, module or ""


def read_string(node: Node | None) -> str | None:
    """Return the content of a string; what is filled into a template is "{}"."""
    if node is None or node.type not in ("string", "template_string"):
        return None
    return "".join("{}" if item.type == "template_substitution" else read_text(item) for item in node.named_children)
