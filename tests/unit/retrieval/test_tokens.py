"""Terms of texts and of the nodes of a file."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.retrieval.languages import parse_file
from activities.retrieval.tokens import Bags, count_bodies, count_terms, number_terms, split_terms

SOURCE = "import alpha\n\n\nclass Cart:\n    colour = 1\n\n    def total(self):\n        return banana\n\n\nomega = 2\n"


def test_joined_names_are_taken_apart_and_kept_whole() -> None:
    assert split_terms("resolve_users") == ["resolv", "user", "resolve_users"]
    assert split_terms("the HTTPResponse of getUserName()") == [
        *("http", "respons", "httpresponse"),
        *("user", "name", "getusername"),
    ]
    assert split_terms("with self and 3 of the") == []


def test_own_lines_belong_to_the_innermost_node() -> None:
    facts = parse_file("shop/cart.py", SOURCE.encode())
    assert facts is not None
    nodes = facts.nodes("shop/cart.py")
    bags = count_bodies(nodes, SOURCE)
    ends = np.cumsum(bags.sizes)
    of = {
        node.name: set(bags.numbers[end - size : end].tolist())
        for node, size, end in zip(nodes, bags.sizes, ends, strict=True)
    }
    assert number_terms("banana") in of["Cart.total"]
    assert number_terms("banana") not in of["Cart"]
    assert number_terms("colour") in of["Cart"]
    assert of["<block>"] == {number_terms("omega")}
    assert of[""] == {number_terms("alpha")}


@given(st.lists(st.text(max_size=40), max_size=8))
def test_bags_are_what_was_packed(texts: list[str]) -> None:
    bags = Bags.of(texts)
    again = Bags.from_bytes(bags.to_bytes())
    for one, other in ((bags.sizes, again.sizes), (bags.numbers, again.numbers), (bags.counts, again.counts)):
        assert one.tolist() == other.tolist()
    assert again.sizes.tolist() == [len(count_terms(text)) for text in texts]


@pytest.mark.parametrize("text", ["\ud800 alone", "a" * 100_000, "é" * 300, "x\0y"])
def test_any_text_has_terms(text: str) -> None:
    assert Bags.of([text]).to_bytes()
