"""The search of a small tree: by words, by names, over edges, and the paths that lead to what was found."""

import numpy as np
import pytest

from activities.retrieval.bm25 import Postings
from activities.retrieval.index import build_index
from activities.retrieval.query import Query
from activities.retrieval.search import Search
from activities.retrieval.tokens import Bags, count_terms
from hydra_cli.bench.ranking import rewire_edges
from hydranet.code_graph.model import EdgeKind
from hydranet.contracts.retrieval import SearchMode

FILES = {
    "shop/__init__.py": "",
    "shop/invoice.py": (
        "from shop.rounding import to_cents\n\n\n"
        "def print_invoice(prices):\n    '''The invoice of an order.'''\n    return to_cents(sum(prices))\n"
    ),
    "shop/rounding.py": "from shop.numbers import half_up\n\n\ndef to_cents(value):\n    return half_up(value, 2)\n",
    "shop/numbers.py": "def half_up(value, digits):\n    return int(value * 10**digits) / 10**digits\n",
    "shop/letters.py": "def cover_letter(order):\n    '''A letter that comes with the invoice of an order.'''\n",
    "shop/parcel.py": "class Parcel:\n    def weigh(self):\n        return 1\n",
    "tests/test_invoice.py": "from shop.invoice import print_invoice\n\n\ndef test_it():\n    print_invoice([1])\n",
}


@pytest.fixture(scope="module")
def search() -> Search:
    return Search(build_index({path: text.encode() for path, text in FILES.items()}))


def paths(search: Search, query: Query, mode: SearchMode = SearchMode.GRAPH) -> list[str]:
    return [hit.path for hit in search.find(query, mode).ranked(10)]


def test_a_cause_two_calls_away_is_found_by_the_graph_and_not_by_words(search: Search) -> None:
    query = Query("The invoice of an order is wrong by a cent\n\nSee `print_invoice`.")
    assert paths(search, query).index("shop/numbers.py") < paths(search, query).index("shop/parcel.py")
    assert "shop/numbers.py" not in paths(search, query, SearchMode.BM25)[:3]
    found = {hit.node.name: hit for hit in search.find(query).functions(10)}
    assert found["half_up"].why == (
        "the issue names print_invoice: print_invoice (shop/invoice.py:4)"
        " → calls to_cents (shop/rounding.py:4) → calls half_up (shop/numbers.py:1)"
    )


@pytest.mark.parametrize("mode", SearchMode)
def test_every_mode_finds_what_has_the_words_and_no_test(search: Search, mode: SearchMode) -> None:
    found = paths(search, Query("The cover letter of an order"), mode)
    assert found[0] == "shop/letters.py"
    assert "tests/test_invoice.py" not in found


def test_a_test_file_is_an_answer_when_it_is_asked_for(search: Search) -> None:
    named = "tests/test_invoice.py::test_it cannot fail"
    assert "tests/test_invoice.py" not in paths(search, Query(named))
    assert "tests/test_invoice.py" in paths(search, Query(named, names=("tests/test_invoice.py",)))


def test_the_deepest_frame_of_a_traceback_comes_first(search: Search) -> None:
    installed = "/home/u/.venv/lib/python3.12/site-packages/shop"
    trace = (
        f'Traceback (most recent call last):\n  File "{installed}/invoice.py", line 99, in print_invoice\n    x\n'
        f'  File "{installed}/parcel.py", line 70, in weigh\n    y\nTypeError: no\n'
    )
    hits = search.find(Query(f"It crashes\n\n```\n{trace}```")).functions(2)
    assert [hit.node.name for hit in hits] == ["Parcel.weigh", "print_invoice"]


def test_what_is_asked_for_comes_first(search: Search) -> None:
    found = search.find(Query("The invoice is wrong", names=("Parcel.weigh",)))
    assert found.functions(1)[0].node.name == "Parcel.weigh"


def test_where_a_like_issue_was_fixed_is_remembered(search: Search) -> None:
    query = Query("Something is wrong")
    fixed = {("shop/parcel.py", "Parcel.weigh"): 1.0}
    before = [hit.node.name for hit in search.find(query).functions(10)]
    after = [hit.node.name for hit in search.find(query, fixed=fixed).functions(10)]
    assert after.index("Parcel.weigh") < max(before.index("Parcel.weigh"), 1)


def test_a_query_without_any_known_word_finds_no_reason_to_fail(search: Search) -> None:
    for mode in SearchMode:
        assert search.find(Query("???"), mode).ranked(3) is not None


@pytest.mark.parametrize("mode", [SearchMode.BM25, SearchMode.VECTOR, SearchMode.FUSION])
def test_what_shares_nothing_with_the_query_is_not_found_by_words(search: Search, mode: SearchMode) -> None:
    found = search.find(Query("@@@"), mode)
    assert (found.ranked(10), found.functions(10)) == ([], [])


def test_words_find_only_the_files_that_have_them(search: Search) -> None:
    assert paths(search, Query("weigh"), SearchMode.BM25) == ["shop/parcel.py"]


def test_an_empty_tree_has_nothing() -> None:
    empty = Search(build_index({}))
    for mode in SearchMode:
        assert empty.find(Query("anything"), mode).functions(3) == []
        assert empty.find(Query("anything"), mode).ranked(3) == []


def test_random_neighbours_keep_every_degree(search: Search) -> None:
    edges, other = search.index.edges, rewire_edges(search.index.edges)
    assert np.array_equal(edges.source, other.source)
    assert sorted(zip(edges.kind, edges.target, strict=True)) == sorted(zip(other.kind, other.target, strict=True))
    without = edges.without(EdgeKind.CALLS)
    assert 0 < len(without.source) < len(edges.source)


def test_bm25_prefers_rare_words_and_short_documents() -> None:
    postings = Postings(Bags.of(["common rare", "common common word", "common", "other things entirely " * 9]))
    rare = postings.scores(dict.fromkeys(count_terms("rare"), 1.0))
    assert rare.argmax() == 0
    assert np.count_nonzero(rare) == 1
    common = postings.scores(dict.fromkeys(count_terms("common"), 1.0))
    assert common[2] > common[0]
    assert postings.scores(dict.fromkeys(count_terms("nowhere"), 1.0)).tolist() == [0, 0, 0, 0]


def test_a_line_is_in_the_function_that_fills_its_file(search: Search) -> None:
    number = search.index.at("shop/numbers.py", 2)
    assert number is not None
    assert search.index.nodes[number].name == "half_up"


SCRIPTS = {
    "src/cart.ts": "export function total() { return 1; }\nexport function count() { return 2; }\n",
    "test/cart.test.ts": (
        'import { count, total } from "../src/cart";\n\n'
        'describe("cart", () => {\n'
        '  test("total", () => { expect(total()).toBe(0); });\n'
        '  test("has a total", () => { expect(count()).toBe(0); });\n'
        "});\n"
    ),
}


@pytest.mark.parametrize(
    ("test", "first"),
    [("cart > has a total", "count"), ("cart > total", "total"), ("cart has a total", "count")],
)
def test_a_failing_test_of_a_script_leads_to_what_it_calls(test: str, first: str) -> None:
    search = Search(build_index({path: text.encode() for path, text in SCRIPTS.items()}))
    hits = search.find(Query("It is wrong.", tests=(f"test/cart.test.ts::{test}",))).functions(10)
    assert hits[0].node.name == first
