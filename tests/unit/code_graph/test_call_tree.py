"""The calls that start from a file, as deep as asked."""

from hydranet.code_graph.call_tree import CallGraph, CallSite, list_pairs
from hydranet.code_graph.model import Edge, EdgeKind, Node, NodeKind, Resolution

NODES = [
    Node("a.py", "", NodeKind.MODULE, 1, 9, "", "", "00"),
    Node("a.py", "f", NodeKind.FUNCTION, 1, 4, "", "", "00"),
    Node("a.py", "g", NodeKind.FUNCTION, 5, 9, "", "", "00"),
    Node("b.py", "h", NodeKind.FUNCTION, 1, 2, "", "", "00"),
]


def call(source: str, target: str, line: int) -> Edge:
    return Edge(EdgeKind.CALLS, source, target, line, Resolution.IMPORT, 1.0)


EDGES = [
    call("a.py::f", "b.py::h", 3),
    call("a.py::f", "a.py::g", 2),
    call("a.py::f", "a.py::g", 4),
    call("a.py::f", "print", 4),
    call("a.py::g", "a.py::f", 6),
    call("b.py::h", "a.py::g", 2),
    Edge(EdgeKind.IMPORTS, "a.py::g", "b.py::h", 5, Resolution.IMPORT, 1.0),
]


def shape(calls: tuple[CallSite, ...] | list[CallSite]) -> list[object]:
    return [(one.node.name + ("…" if one.seen else ""), one.line, shape(one.calls)) for one in calls]


def test_calls_are_in_the_order_of_their_lines_once_each() -> None:
    assert shape(CallGraph(NODES, EDGES).of_file("a.py", 1)) == [
        ("f", 1, [("g", 2, []), ("h", 3, [])]),
        ("g", 5, [("f", 6, [])]),
    ]


def test_a_cycle_is_shown_once() -> None:
    deep = CallGraph(NODES, EDGES).of_file("a.py", 9)
    assert shape(deep) == [
        ("f", 1, [("g", 2, [("f…", 6, [])]), ("h", 3, [("g…", 2, [])])]),
        ("g…", 5, []),
    ]
    found = [(caller.name, called.name) for caller, called in list_pairs(deep)]
    assert found == [("f", "g"), ("f", "h"), ("g", "f"), ("h", "g")]
