"""Small source trees and the edges between their files."""

from textwrap import dedent

from activities.retrieval.file_facts import FileFacts
from activities.retrieval.languages import parse_file
from activities.retrieval.linking import Linker
from hydranet.code_graph.model import Edge, EdgeKind


def facts_of(tree: dict[str, str]) -> dict[str, FileFacts]:
    """The facts of a tree of sources by path."""
    parsed = {path: parse_file(path, dedent(source).encode()) for path, source in tree.items()}
    return {path: facts for path, facts in parsed.items() if facts is not None}


def edges_of(tree: dict[str, str]) -> list[Edge]:
    """All edges of a tree of sources."""
    facts = facts_of(tree)
    linker = Linker(facts)
    return [edge for path in facts for edge in linker.link(path)]


def pairs(tree: dict[str, str], kind: EdgeKind) -> set[tuple[str, str]]:
    """The resolved edges of a kind, as source and target."""
    return {(edge.source, edge.target) for edge in edges_of(tree) if edge.kind is kind and "::" in edge.target}
