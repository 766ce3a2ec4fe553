"""Symbols as people write them name one node, or the answer names candidates."""

import pytest

from hydranet.code_graph.model import Node, NodeKind
from hydranet.code_graph.symbols import find_file, find_symbol
from hydranet.errors import UsageError


def node(path: str, name: str, kind: NodeKind = NodeKind.FUNCTION) -> Node:
    return Node(path, name, kind, 1, 2, "", "", "00")


NODES = [
    node("shop/cart.py", "", NodeKind.MODULE),
    node("shop/cart.py", "<block>", NodeKind.BLOCK),
    node("shop/cart.py", "Cart", NodeKind.CLASS),
    node("shop/cart.py", "Cart.total", NodeKind.METHOD),
    node("shop/cart.py", "total"),
    node("shop/order.py", "", NodeKind.MODULE),
    node("shop/order.py", "Order.total", NodeKind.METHOD),
    node("shop/order.py", "Order.Cart.total", NodeKind.METHOD),
    node("old/order.py", "", NodeKind.MODULE),
    node("old/order.py", "ship"),
]


@pytest.mark.parametrize(
    ("symbol", "found"),
    [
        ("total", "shop/cart.py::total"),
        ("Cart", "shop/cart.py::Cart"),
        ("Cart.total", "shop/cart.py::Cart.total"),
        ("Order.total", "shop/order.py::Order.total"),
        ("cart.py::Cart.total", "shop/cart.py::Cart.total"),
        ("shop/order.py::Order.total", "shop/order.py::Order.total"),
        ("cart.py", "shop/cart.py::"),
        ("old/order.py", "old/order.py::"),
        ("cart.py::", "shop/cart.py::"),
    ],
)
def test_a_symbol_is_found(symbol: str, found: str) -> None:
    assert find_symbol(symbol, NODES).id == found


@pytest.mark.parametrize(
    ("symbol", "sentence"),
    [
        ("order.py::total", "names 2 symbols: give one of shop/order.py::Order.Cart.total, shop/order.py::Order.total"),
        ("order.py", "names 2 symbols: give one of old/order.py, shop/order.py"),
        ("totl", "There is no symbol 'totl' in the index: did you mean shop/cart.py::total"),
        ("nosuch.py::Cart", "There is no symbol 'nosuch.py::Cart'"),
        ("", "names 3 symbols"),
        ("[bold]", "There is no symbol"),
    ],
)
def test_what_names_none_or_several_is_answered_with_candidates(symbol: str, sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        find_symbol(symbol, NODES)
    assert sentence in str(error.value)


def test_a_file_is_found_by_its_end() -> None:
    paths = [one.path for one in NODES]
    assert find_file("cart.py", paths) == "shop/cart.py"
    assert find_file("old/order.py", paths) == "old/order.py"
    with pytest.raises(UsageError, match="names 2 files: give one of old"):
        find_file("order.py", paths)
    with pytest.raises(UsageError, match=r"did you mean shop/cart.py or shop/order.py\?"):
        find_file("shop/card.py", paths)
