"""The shortest path between two pieces of code, and how it is told."""

from hydranet.code_graph.model import Edge, EdgeKind, Resolution
from hydranet.code_graph.shortest_path import describe_path, find_shortest_path


def edge(kind: EdgeKind, source: str, target: str, line: int = 1, confidence: float = 1.0) -> Edge:
    return Edge(kind, source, target, line, Resolution.IMPORT, confidence)


LOGIN = [
    edge(EdgeKind.IMPORTS, "auth.py::login", "db.py::resolve_user", 47),
    edge(EdgeKind.CALLS, "db.py::resolve_user", "pool.py::connect", 12),
]


def told(edges: list[Edge], start: str, end: str) -> str | None:
    steps = find_shortest_path(edges, start, end)
    return None if steps is None else describe_path(start, steps)


def test_a_path_is_told_in_a_line() -> None:
    assert told(LOGIN[:1], "auth.py::login", "db.py::resolve_user") == "auth.py:47 login → imports resolve_user → db.py"


def test_each_file_on_the_way_is_named_with_the_line_that_leads_on() -> None:
    assert told(LOGIN, "auth.py::login", "pool.py::connect") == (
        "auth.py:47 login → imports resolve_user → db.py:12 → calls connect → pool.py"
    )


def test_a_path_may_go_against_an_edge() -> None:
    assert told(LOGIN, "pool.py::connect", "auth.py::login") == (
        "pool.py connect → is called by resolve_user → db.py → is imported by login → auth.py"
    )


def test_surer_and_forward_edges_are_preferred() -> None:
    guess = [edge(EdgeKind.CALLS, "a.py::a", "z.py::z", confidence=0.2)]
    sure = [edge(EdgeKind.CALLS, "a.py::a", "b.py::b"), edge(EdgeKind.CALLS, "b.py::b", "z.py::z")]
    assert len(find_shortest_path([*guess, *sure], "a.py::a", "z.py::z") or []) == 2
    back = [edge(EdgeKind.CALLS, "z.py::z", "a.py::a")]
    there = [edge(EdgeKind.CALLS, "a.py::a", "z.py::z")]
    assert [step.forward for step in find_shortest_path([*back, *there], "a.py::a", "z.py::z") or []] == [True]


def test_what_does_not_hang_together_has_no_path() -> None:
    assert told(LOGIN, "auth.py::login", "elsewhere.py::x") is None


def test_a_symbol_hangs_together_with_itself() -> None:
    assert told(LOGIN, "auth.py::login", "auth.py::login") == "auth.py login"


def test_a_module_on_the_way_is_named_once() -> None:
    edges = [edge(EdgeKind.CONTAINS, "a.py::", "a.py::f"), edge(EdgeKind.CONTAINS, "a.py::", "a.py::g")]
    assert told(edges, "a.py::f", "a.py::g") == "a.py f → is in a.py → contains g"
