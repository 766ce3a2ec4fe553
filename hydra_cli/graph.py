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

from hydra_cli.repository import Repository
from hydra_cli.stored import explain_not_indexed, open_graph_store
from hydra_cli.terminal import make_console
from hydranet.code_graph import call_tree, shortest_path
from hydranet.code_graph.call_tree import CallGraph, CallSite
from hydranet.code_graph.model import Node
from hydranet.code_graph.symbols import find_file, find_symbol
from hydranet.errors import UsageError

if TYPE_CHECKING:
    from activities.retrieval.store import Graph

Repo = Annotated[Path, typer.Option(help="The Git repository, which is indexed.")]


class GraphFormat(StrEnum):
    """The forms of a call graph."""

    TREE = "tree"
    DOT = "dot"
    MERMAID = "mermaid"


def ast_graph(
    file: Annotated[str, typer.Option(help="The file, by its path in the repository or the end of it.")],
    depth: Annotated[int, typer.Option(min=1, max=10, help="How many calls deep.")] = 2,
    form: Annotated[
        GraphFormat, typer.Option("--format", help="tree, or a graph for dot or mermaid.")
    ] = GraphFormat.TREE,
    repo: Repo = Path(),
) -> None:
    """Show which functions the functions of a file call, as a tree or a graph."""
    graph = asyncio.run(_graph(Repository.open(repo)))
    calls = CallGraph(graph.nodes, graph.edges)
    path = find_file(file.removeprefix("./"), calls.paths)
    found = calls.of_file(path, depth)
    if form is GraphFormat.TREE:
        make_console().print(_tree(path, found))
    else:
        typer.echo("\n".join(_dot(found) if form is GraphFormat.DOT else _mermaid(found)))


def path(
    start: Annotated[str, typer.Argument(help="A symbol: name, Class.method or file.py::name.")],
    end: Annotated[str, typer.Argument(help="Another one.")],
    repo: Repo = Path(),
) -> None:
    """Show how two symbols are connected: the shortest path between them in the code graph."""
    graph = asyncio.run(_graph(Repository.open(repo)))
    one, other = find_symbol(start, graph.nodes), find_symbol(end, graph.nodes)
    known = {node.id for node in graph.nodes}
    steps = shortest_path.find_shortest_path((edge for edge in graph.edges if edge.target in known), one.id, other.id)
    if steps is None:
        typer.echo(f"{one.id} and {other.id} do not hang together by anything that is in the index.")
        raise typer.Exit(1)
    typer.echo(shortest_path.describe_path(one.id, steps))


async def _graph(repository: Repository) -> Graph:
    """The graph of the repository as it was last indexed; UsageError when it never was."""
    async with open_graph_store(repository) as store:
        head = await store.head(str(repository.path))
        if head is None:
            raise UsageError(explain_not_indexed(repository))
        return await store.load(head.tree)


def _tree(path: str, calls: Iterable[CallSite]) -> Tree:
    root = Tree(Text(path, "bold"))
    for call in calls:
        _grow(root.add(Text.assemble(call.node.name, (f"  {call.node.kind}, line {call.line}", "dim"))), call, path)
    return root


def _grow(branch: Tree, call: CallSite, path: str) -> None:
    for called in call.calls:
        where = "" if called.node.path == path else f"{called.node.path}::"
        more = " (its calls are shown above)" if called.seen else ""
        label = Text.assemble((where, "cyan"), called.node.name or "the module", (f"  line {called.line}{more}", "dim"))
        _grow(branch.add(label), called, path)


def _dot(calls: Iterable[CallSite]) -> Iterable[str]:
    yield "digraph calls {"
    yield "  rankdir=LR;"
    for caller, called in call_tree.list_pairs(calls):
        yield f"  {_quoted(caller.id)} -> {_quoted(called.id)};"
    yield "}"


def _mermaid(calls: Iterable[CallSite]) -> Iterable[str]:
    yield "flowchart LR"
    numbers: dict[Node, int] = {}
    for pair in call_tree.list_pairs(calls):
        for node in pair:
            if node not in numbers:
                numbers[node] = len(numbers)
                yield f'  n{numbers[node]}["{node.id.replace(chr(34), "#quot;")}"]'
        yield f"  n{numbers[pair[0]]} --> n{numbers[pair[1]]}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
