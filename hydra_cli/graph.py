"""`hydra ast-graph` and `hydra path`: the code graph of an indexed repository in the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from hydra_cli.repository import Repository, explain_not_indexed, open_graph_store
from hydra_cli.terminal import make_console, plain, write_line
from hydranet.code_graph import call_tree, shortest_path
from hydranet.code_graph.call_tree import CallGraph, CallSite
from hydranet.code_graph.model import Node
from hydranet.code_graph.symbols import find_file, find_symbol
from hydranet.errors import UsageError

if TYPE_CHECKING:
    from activities.retrieval.store import Graph

Repo = Annotated[Path, typer.Option(help="The Git repository, which must be indexed.")]


class GraphFormat(StrEnum):
    """The forms of a call graph."""

    TREE = "tree"
    DOT = "dot"
    MERMAID = "mermaid"


def ast_graph(
    file: Annotated[str, typer.Option(help="The file, by its path in the repository or the end of that path.")],
    depth: Annotated[int, typer.Option(min=1, max=10, help="The depth to which calls are followed.")] = 2,
    form: Annotated[
        GraphFormat, typer.Option("--format", help="A tree for the terminal, or a graph for Graphviz or Mermaid.")
    ] = GraphFormat.TREE,
    repo: Repo = Path(),
) -> None:
    """Show which functions the functions of a file call, as a tree or a graph."""
    graph = asyncio.run(_load_graph(Repository.open(repo)))
    call_graph = CallGraph(graph.nodes, graph.edges)
    path = find_file(file.removeprefix("./"), call_graph.paths)
    calls = call_graph.of_file(path, depth)
    if form is GraphFormat.TREE:
        make_console().print(_render_tree(path, calls))
    else:
        write_line("\n".join(_render_dot(calls) if form is GraphFormat.DOT else _render_mermaid(calls)))


def path(
    start: Annotated[str, typer.Argument(help="A symbol: NAME, CLASS.METHOD or FILE::NAME.")],
    end: Annotated[str, typer.Argument(help="Another symbol.")],
    repo: Repo = Path(),
) -> None:
    """Show how two symbols are connected: the shortest path between them in the code graph."""
    graph = asyncio.run(_load_graph(Repository.open(repo)))
    source, target = find_symbol(start, graph.nodes).id, find_symbol(end, graph.nodes).id
    known = {node.id for node in graph.nodes}
    edges = (edge for edge in graph.edges if edge.target in known)
    steps = shortest_path.find_shortest_path(edges, source, target)
    if steps is None:
        write_line(f"Nothing in the index connects {source} and {target}.")
        raise typer.Exit(1)
    write_line(shortest_path.describe_path(source, steps))


async def _load_graph(repository: Repository) -> Graph:
    async with open_graph_store(repository) as store:
        head = await store.head(str(repository.path))
        if head is None:
            raise UsageError(explain_not_indexed(repository))
        return await store.load(head.tree)


def _render_tree(path: str, calls: Iterable[CallSite]) -> Tree:
    root = Tree(plain(path, "bold"))
    for call in calls:
        _add_calls(
            root.add(Text.assemble(plain(call.node.name), plain(f"  {call.node.kind}, line {call.line}", "dim"))),
            call,
            path,
        )
    return root


def _add_calls(branch: Tree, call: CallSite, path: str) -> None:
    for called in call.calls:
        where = "" if called.node.path == path else f"{called.node.path}::"
        more = " (its calls are shown above)" if called.seen else ""
        label = Text.assemble(
            plain(where, "cyan"), plain(called.node.name or "the module"), plain(f"  line {called.line}{more}", "dim")
        )
        _add_calls(branch.add(label), called, path)


def _render_dot(calls: Iterable[CallSite]) -> Iterable[str]:
    yield "digraph calls {"
    yield "  rankdir=LR;"
    for caller, called in call_tree.list_pairs(calls):
        yield f"  {_quote(caller.id)} -> {_quote(called.id)};"
    yield "}"


def _render_mermaid(calls: Iterable[CallSite]) -> Iterable[str]:
    yield "flowchart LR"
    numbers: dict[Node, int] = {}
    for pair in call_tree.list_pairs(calls):
        for node in pair:
            if node not in numbers:
                numbers[node] = len(numbers)
                yield f'  n{numbers[node]}["{node.id.replace(chr(34), "#quot;")}"]'
        yield f"  n{numbers[pair[0]]} --> n{numbers[pair[1]]}"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
