"""Whole functions within a budget, with what is around them."""

import pytest

from activities.inference.packing import pack_places
from hydranet.contracts import Place

SOURCE = (
    '"""Carts."""\n\nimport os\n\nLIMIT = 3\n\n\nclass Cart:\n    """Holds prices."""\n\n    def total(self):\n'
    "        return 1\n\n    def empty(self):\n        return True\n\n\ndef helper():\n    return LIMIT\n"
)
LINES = {"Cart": (8, 15), "Cart.total": (11, 12), "Cart.empty": (14, 15), "helper": (18, 19), "": (1, 6)}


def places(*symbols: str) -> list[Place]:
    return [
        Place(file="cart.py", symbol=symbol, first_line=LINES[symbol][0], last_line=LINES[symbol][1])
        for symbol in symbols
    ]


def packed(*symbols: str, characters: int = 8000) -> list[str]:
    return [snippet.place.symbol for snippet in pack_places(places(*symbols), {"cart.py": SOURCE}, characters)]


def test_a_method_comes_below_the_head_of_its_class_and_imports_once() -> None:
    snippets = pack_places(places("Cart.total", "helper"), {"cart.py": SOURCE}, 8000)
    assert [snippet.place.symbol for snippet in snippets] == ["Cart.total", "", "helper"]
    assert snippets[0].code == "class Cart:\n    def total(self):\n        return 1"
    assert snippets[1].code == '"""Carts."""\n\nimport os\n\nLIMIT = 3'


def test_of_what_overlaps_the_better_one_is_taken() -> None:
    assert packed("Cart", "Cart.total") == ["Cart", ""]
    assert packed("Cart.total", "Cart", "Cart.empty") == ["Cart.total", "", "Cart.empty"]


def test_the_budget_is_kept() -> None:
    assert packed("helper", characters=40) == ["helper"]
    assert packed("Cart", "helper", characters=40) == ["helper"]
    assert packed("helper", characters=10) == []


@pytest.mark.parametrize("symbols", [("helper", ""), ("", "helper")])
def test_what_is_around_the_definitions_comes_once(symbols: tuple[str, str]) -> None:
    assert sorted(packed(*symbols)) == ["", "helper"]


def test_code_is_taken_as_it_stands_now() -> None:
    moved = "import os\n\n\n" + SOURCE.replace("return LIMIT", "return 4")
    snippet = pack_places(places("helper"), {"cart.py": moved}, 8000)[0]
    assert snippet.code == "def helper():\n    return 4"
    assert (snippet.place.first_line, snippet.place.last_line) == (21, 22)


def test_files_come_by_turns() -> None:
    many = [f"def f{number}():\n    return 1\n" for number in range(8)]
    sources = {"many.py": "\n".join(many), "other.py": "def g():\n    return 1\n"}
    ranked = [Place(file="many.py", symbol=f"f{n}", first_line=3 * n + 1, last_line=3 * n + 2) for n in range(8)]
    ranked.append(Place(file="other.py", symbol="g", last_line=2))
    symbols = [snippet.place.symbol for snippet in pack_places(ranked, sources, 8000)]
    assert symbols == ["f0", "f1", "f2", "f3", "g", "f4", "f5", "f6", "f7"]


def test_what_is_gone_is_left_out() -> None:
    assert pack_places(places("helper"), {}, 8000) == []
    assert pack_places(places("helper"), {"cart.py": "LIMIT = 3\n"}, 8000) == []


def test_other_languages_are_shown_by_their_lines() -> None:
    place = Place(file="src/cart.rs", symbol="total", first_line=2, last_line=3)
    source = "use x;\npub fn total() {\n}\n"
    assert [snippet.code for snippet in pack_places([place], {"src/cart.rs": source}, 8000)] == ["pub fn total() {\n}"]
