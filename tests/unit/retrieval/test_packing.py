"""Whole functions within a budget, with what is around them."""

from activities.retrieval.languages import parse_file
from activities.retrieval.packing import pack_hits
from activities.retrieval.search import Hit
from hydranet.code_graph.model import Node, NodeKind

SOURCE = (
    '"""Carts."""\n\nimport os\n\nLIMIT = 3\n\n\nclass Cart:\n    """Holds prices."""\n\n    def total(self):\n'
    "        return 1\n\n    def empty(self):\n        return True\n\n\ndef helper():\n    return LIMIT\n"
)


def hits(*names: str) -> list[Hit]:
    facts = parse_file("cart.py", SOURCE.encode())
    assert facts is not None
    nodes: dict[str, Node] = {node.name: node for node in facts.nodes("cart.py")}
    return [Hit(nodes[name], 1.0, "because") for name in names]


def test_a_method_comes_below_the_head_of_its_class_and_imports_once() -> None:
    found = pack_hits(hits("Cart.total", "helper"), {"cart.py": SOURCE})
    assert [one.shown.symbol for one in found] == ["Cart.total", "", "helper"]
    assert found[0].code == "class Cart:\n    def total(self):\n        return 1"
    assert found[1].code == '"""Carts."""\n\nimport os\n\nLIMIT = 3'


def test_of_what_overlaps_the_better_one_is_taken() -> None:
    assert [one.shown.symbol for one in pack_hits(hits("Cart", "Cart.total"), {"cart.py": SOURCE})] == ["Cart", ""]
    found = pack_hits(hits("Cart.total", "Cart", "Cart.empty"), {"cart.py": SOURCE})
    assert [one.shown.symbol for one in found] == ["Cart.total", "", "Cart.empty"]


def test_the_budget_is_kept_but_for_what_is_sure() -> None:
    assert pack_hits(hits("helper"), {"cart.py": SOURCE}, 10) == []
    sure = [Hit(hit.node, 1.0, "traceback", sure=True) for hit in hits("helper")]
    assert [one.shown.symbol for one in pack_hits(sure, {"cart.py": SOURCE}, 10)] == ["helper"]


def test_a_block_is_what_stands_around_the_definitions() -> None:
    found = pack_hits(hits("<block>"), {"cart.py": SOURCE})
    assert [(one.shown.symbol, one.code) for one in found] == [("", '"""Carts."""\n\nimport os\n\nLIMIT = 3')]


def test_what_is_around_the_definitions_comes_once() -> None:
    for names in (("helper", "<block>"), ("<block>", "helper")):
        found = pack_hits(hits(*names), {"cart.py": SOURCE})
        assert sorted(one.shown.symbol for one in found) == ["", "helper"]


def test_files_come_by_turns() -> None:
    sources = {
        "many.py": "\n".join(f"def f{number}():\n    return 1\n" for number in range(8)),
        "other.py": "def g():\n    return 1\n",
    }
    nodes = [node for path, source in sources.items() for node in _nodes(path, source)]
    found = pack_hits([Hit(node, 1.0, "because") for node in nodes], sources)
    assert [one.shown.symbol for one in found] == ["f0", "f1", "f2", "f3", "g", "f4", "f5", "f6", "f7"]


def _nodes(path: str, source: str) -> list[Node]:
    facts = parse_file(path, source.encode())
    assert facts is not None
    return [node for node in facts.nodes(path) if node.kind is NodeKind.FUNCTION]


def test_a_file_that_is_gone_is_left_out() -> None:
    assert pack_hits(hits("helper"), {}) == []
