"""SQL files, by tree-sitter: tables with their columns and constraints, indexes and functions."""

from __future__ import annotations

from codecs import BOM_UTF8

from tree_sitter import Node

from activities.code.language import get_line, parse, read_text, walk
from activities.code.languages.sql import Creation, get_grammar, list_creations, read_name
from activities.retrieval.file_facts import MODULE, FileFacts
from activities.retrieval.languages.building import Builder, Draft, clean
from activities.retrieval.languages.sql_strings import list_mentioned
from hydranet.code_graph.model import NodeKind

_KINDS = {"table": NodeKind.TABLE, "index": NodeKind.CONSTRAINT, "function": NodeKind.FUNCTION}


def parse_sql(source: bytes) -> FileFacts:
    """Return the facts of an SQL file."""
    text = source.removeprefix(BOM_UTF8).decode("utf-8", "replace")
    root = parse(get_grammar(), text)
    builder = Builder("sql", text.encode())
    created = list(list_creations(root))
    nodes = {creation.node for creation in created}
    builder.loose = [node for node in root.named_children if node.type == "statement" and node not in nodes]
    for creation in created:
        _add_creation(builder, creation)
    for node in builder.loose:
        _mention(builder, MODULE, node)
    return builder.facts()


def _add_creation(builder: Builder, creation: Creation) -> None:
    draft = _define(builder, creation.name, _KINDS[creation.kind], MODULE, creation.node)
    if draft is None:
        return
    before = creation.node.prev_named_sibling
    if before is not None and before.type in ("comment", "marginalia"):
        draft.docstring = clean(read_text(before).strip("-/* \n"))
    if creation.kind != "table":
        _mention(builder, draft.number, creation.node)
        return
    builder.keys.append((builder.module, creation.name, (creation.name, "")))
    for node in walk(creation.node):
        name = node.child_by_field_name("name")
        if node.type == "column_definition" and name is not None:
            own = read_name(name)
            column = _define(builder, own, NodeKind.COLUMN, draft.number, node)
            builder.keys.append((builder.module, f"{creation.name}.{own}", (creation.name, f".{own}")))
            if column is not None:
                _mention(builder, column.number, node)
        elif node.type == "constraint":
            constraint = _define(builder, _name_constraint(node), NodeKind.CONSTRAINT, draft.number, node)
            if constraint is not None:
                _mention(builder, constraint.number, node)
        elif node.type == "create_query":
            _mention(builder, draft.number, node)


def _define(builder: Builder, name: str, kind: NodeKind, owner: int, node: Node) -> Draft | None:
    draft = builder.define(clean(name).replace(".", "_"), kind, owner, node, builder.module)
    if draft is not None:
        draft.signature = builder.quoted(node.start_byte, node.end_byte)
    return draft


def _name_constraint(node: Node) -> str:
    """Return the name of a constraint, or else what kind it is."""
    words: list[str] = []
    for child in node.named_children:
        if child.type == "identifier" and words == ["constraint"]:
            return read_name(child)
        if not child.type.startswith("keyword_"):
            break
        words.append(child.type.removeprefix("keyword_"))
    return "_".join(words) or "constraint"


def _mention(builder: Builder, owner: int, node: Node) -> None:
    for name in list_mentioned(read_text(node)):
        builder.literals.setdefault((owner, name), get_line(node))
