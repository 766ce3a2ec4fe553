"""Paths through the code graph: how two pieces of code hang together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from hydranet.code_graph.model import Edge, EdgeKind

# What an edge costs that is certain. Containment is cheap to cross, and says little.
_COSTS = {
    EdgeKind.CALLS: 1.0,
    EdgeKind.INHERITS: 1.0,
    EdgeKind.OVERRIDES: 1.0,
    EdgeKind.DECORATES: 1.0,
    EdgeKind.CONTAINS: 1.2,
    EdgeKind.REQUESTS: 1.2,
    EdgeKind.REFERENCES: 1.5,
    EdgeKind.IMPORTS: 1.5,
    EdgeKind.TESTS: 2.0,
}
_BACKWARD = 1.5

_SAID_BACKWARD = {
    EdgeKind.CALLS: "is called by",
    EdgeKind.INHERITS: "is the base of",
    EdgeKind.OVERRIDES: "is overridden by",
    EdgeKind.DECORATES: "decorates",
    EdgeKind.CONTAINS: "is in",
    EdgeKind.REQUESTS: "is requested by",
    EdgeKind.REFERENCES: "is referred to by",
    EdgeKind.IMPORTS: "is imported by",
    EdgeKind.TESTS: "is tested by",
}
_SAID_FORWARD = {EdgeKind.REFERENCES: "refers to", EdgeKind.DECORATES: "is decorated by"}


@dataclass(frozen=True, slots=True)
class PathStep:
    """One edge of a path, gone along its direction or against it."""

    edge: Edge
    forward: bool

    @property
    def end(self) -> str:
        """The id of the node the step leads to."""
        return self.edge.target if self.forward else self.edge.source

    @property
    def verb(self) -> str:
        """The step in words."""
        kind = self.edge.kind
        return _SAID_FORWARD.get(kind, str(kind)) if self.forward else _SAID_BACKWARD[kind]


def find_shortest_path(edges: Iterable[Edge], start: str, end: str) -> list[PathStep] | None:
    """Return the cheapest path between two node ids, by Dijkstra's algorithm; None when they are not connected.

    An edge costs the more, the less it says and the less sure it is, and more against its direction.
    """
    around: dict[str, list[tuple[float, PathStep]]] = {}
    for edge in edges:
        cost = _COSTS[edge.kind] / max(edge.confidence, 0.05)
        around.setdefault(edge.source, []).append((cost, PathStep(edge, forward=True)))
        around.setdefault(edge.target, []).append((cost * _BACKWARD, PathStep(edge, forward=False)))
    best, came = {start: 0.0}, dict[str, tuple[str, PathStep]]()
    queue = [(0.0, start)]
    while queue:
        cost, here = heappop(queue)
        if here == end:
            return _back(came, start, end)
        if cost > best[here]:
            continue
        for more, step in around.get(here, ()):
            if (total := cost + more) < best.get(step.end, float("inf")):
                best[step.end], came[step.end] = total, (here, step)
                heappush(queue, (total, step.end))
    return None


def describe_path(start: str, steps: Sequence[PathStep]) -> str:
    """Return a path in a line: "auth.py:47 login → imports resolve_user → db.py"."""
    path, _, name = start.partition("::")
    parts = [f"{path}{_line(steps[0]) if steps else ''} {name}".strip()]
    for number, step in enumerate(steps):
        end_path, _, end_name = step.end.partition("::")
        parts.append(f"{step.verb} {end_name or end_path}")
        if end_path != path and end_name:
            following = steps[number + 1] if number + 1 < len(steps) else None
            parts.append(f"{end_path}{_line(following) if following else ''}")
        path = end_path
    return " → ".join(parts)


def _line(step: PathStep) -> str:
    return f":{step.edge.line}" if step.forward else ""


def _back(came: dict[str, tuple[str, PathStep]], start: str, end: str) -> list[PathStep]:
    steps = []
    while end != start:
        end, step = came[end]
        steps.append(step)
    return steps[::-1]
