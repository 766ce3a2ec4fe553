"""SQL: what its statements define. Dialects differ so much that no syntax error is ever told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import tree_sitter_sql
from tree_sitter import Language as Grammar
from tree_sitter import Node

from activities.code.language import (
    Definition,
    Fault,
    Import,
    Language,
    get_last_line,
    get_line,
    list_tokens,
    parse,
    read_text,
    walk,
)

_KINDS = {
    "create_table": "table",
    "create_view": "table",
    "create_materialized_view": "table",
    "create_index": "index",
    "create_function": "function",
    "create_trigger": "function",
}
_QUOTES = "\"'`[]"


@dataclass(frozen=True, slots=True)
class Creation:
    """What a statement creates: a table or view, an index, a function; `node` is the statement."""

    name: str
    kind: str
    node: Node


@cache
def get_grammar() -> Grammar:
    """Return the grammar of tree-sitter."""
    return Grammar(tree_sitter_sql.language())


def list_creations(root: Node) -> Iterator[Creation]:
    """Yield what the statements of a file create, in its order."""
    for node in walk(root):
        if kind := _KINDS.get(node.type):
            name = next(
                (child for child in node.named_children if child.type in ("object_reference", "identifier")), None
            )
            if name is not None and (plain := read_name(name)):
                around = node.parent
                yield Creation(plain, kind, around if around is not None and around.type == "statement" else node)


def read_name(node: Node) -> str:
    """Return a name without its schema and its quotes."""
    last = node.child_by_field_name("name") or node
    return read_text(last).strip(_QUOTES)


class Sql(Language):
    """SQL, whatever its dialect."""

    name = "SQL"
    suffixes = (".sql",)
    fence = "sql"
    comment = "--"

    def list_definitions(self, source: str) -> list[Definition]:
        """List the tables, views, indexes and functions that a file creates."""
        return [
            Definition(
                creation.name,
                "function",
                first=get_line(creation.node),
                start=get_line(creation.node),
                body=min(get_line(creation.node) + 1, get_last_line(creation.node)),
                last=get_last_line(creation.node),
            )
            for creation in list_creations(parse(get_grammar(), source))
        ]

    def list_imports(self, source: str) -> list[Import]:  # noqa: ARG002
        """Return nothing: SQL imports nothing."""
        return []

    def list_identifiers(self, source: str, first: int, last: int) -> set[str]:
        """Return the names in the lines `first` to `last`."""
        nodes = walk(parse(get_grammar(), source))
        return {read_name(node) for node in nodes if node.type == "identifier" and first <= get_line(node) <= last}

    def list_statement_lines(self, source: str, first: int, last: int) -> list[int]:
        """Return the lines among `first` to `last` in which a statement, a column or a constraint begins."""
        kinds = ("statement", "column_definition", "constraint")
        lines = {get_line(node) for node in walk(parse(get_grammar(), source)) if node.type in kinds}
        return sorted(line for line in lines if first <= line <= last)

    def list_statements(self, source: str) -> set[str]:
        """Return the statements that create nothing."""
        root = parse(get_grammar(), source)
        created = {creation.node for creation in list_creations(root)}
        return {read_text(node) for node in root.named_children if node.type == "statement" and node not in created}

    def find_fault(self, source: str) -> Fault | None:  # noqa: ARG002
        """Return None: what is an error in one dialect is none in another."""
        return None

    def find_import_end(self, source: str) -> int:  # noqa: ARG002
        """Return 0: there are no imports."""
        return 0

    def is_same_code(self, old: str, new: str) -> bool:
        """Return whether two sources differ only in comments and layout."""
        left_out, whole = frozenset({"comment", "marginalia"}), frozenset({"literal"})
        before, after = (list_tokens(parse(get_grammar(), source), left_out, whole) for source in (old, new))
        return before == after


LANGUAGES = (Sql(),)
