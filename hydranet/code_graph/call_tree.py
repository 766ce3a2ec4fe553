"""The calls that start from a file, as a tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hydranet.code_graph.model import Edge, EdgeKind, Node


@dataclass(frozen=True, slots=True)
class CallSite:
    """A node and whom it calls, in the order of its lines; `line` is where it is called, its own at the root.

    `seen` says that its calls are shown elsewhere.
    """

    node: Node
    line: int
    calls: tuple[CallSite, ...] = ()
    seen: bool = False


class CallGraph:
    """The calls of a tree of code whose target is known."""

    def __init__(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> None:
        self._nodes = {node.id: node for node in nodes}
        self._of_path: dict[str, list[Node]] = {}
        for node in self._nodes.values():
            self._of_path.setdefault(node.path, []).append(node)
        self._calls: dict[str, dict[str, int]] = {}
        for edge in edges:
            if edge.kind is EdgeKind.CALLS and edge.target in self._nodes:
                lines = self._calls.setdefault(edge.source, {})
                lines[edge.target] = min(edge.line, lines.get(edge.target, edge.line))

    @property
    def paths(self) -> Iterable[str]:
        """The files there are."""
        return self._of_path

    def of_file(self, path: str, depth: int) -> list[CallSite]:
        """Return what each node of a file calls, `depth` calls deep; nodes that call nothing are leaves."""
        shown: set[str] = set()
        nodes = sorted(self._of_path[path], key=lambda node: node.first)
        return [self._call(node, node.first, depth, shown) for node in nodes if node.name]

    def _call(self, node: Node, line: int, depth: int, shown: set[str]) -> CallSite:
        calls = sorted(self._calls.get(node.id, {}).items(), key=lambda item: item[1])
        if not depth or not calls:
            return CallSite(node, line)
        if node.id in shown:
            return CallSite(node, line, seen=True)
        shown.add(node.id)
        callees = (self._call(self._nodes[callee], at, depth - 1, shown) for callee, at in calls)
        return CallSite(node, line, tuple(callees))


def list_pairs(calls: Iterable[CallSite]) -> Iterator[tuple[Node, Node]]:
    """List who calls whom, each pair once."""
    return iter(dict.fromkeys(_pairs(calls)))


def _pairs(calls: Iterable[CallSite]) -> Iterator[tuple[Node, Node]]:
    for call in calls:
        for called in call.calls:
            yield call.node, called.node
        yield from _pairs(call.calls)
