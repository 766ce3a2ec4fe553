"""Regions and statements in the order of suspicion, with reasons."""

from activities.localisation.evidence import Evidence
from activities.localisation.localisation import rank_files, rank_suspects
from activities.localisation.regions import list_regions
from activities.localisation.source import Source

CODE = '''"""Paging."""
import os

SIZE = 10


class Pager:
    """Pages."""

    first = 1

    def __init__(self, items):
        self.items = items

    def page(self, number):
        start = number * SIZE

        def cut(end):
            return self.items[start:end]

        return cut(start + SIZE)


@staticmethod
def count(items):
    if items:
        return len(items)
    return 0
'''


def source(code: str = CODE, path: str = "shop/paging.py") -> Source:
    made = Source.of(path, code)
    assert made is not None
    return made


def test_regions_are_functions_with_all_in_them_class_bodies_and_module_levels() -> None:
    found = list_regions(source())
    assert [region.symbol for region in found] == ["<module>", "Pager", "Pager.__init__", "Pager.page", "count"]
    assert [region.label for region in found][-2:] == ["Pager.page() (shop/paging.py)", "count() (shop/paging.py)"]
    page = found[3]
    assert [statement.first_line for statement in page.statements] == [15, 16, 18, 19, 21]
    assert [statement.first_line for statement in found[0].statements] == [4]
    assert [statement.first_line for statement in found[1].statements] == [10]
    assert found[4].statements[0].first_line == 24


def test_the_covered_function_comes_first_and_says_why() -> None:
    evidence = Evidence(
        lines={"shop/paging.py": {16: 1.0, 18: 0.5, 21: 0.5, 26: 0.2}},
        frames={"shop/paging.py": {21: 1.0}},
        named=frozenset({"page"}),
        asserted=frozenset({"page"}),
    )
    ranked = rank_suspects([source()], evidence)
    assert ranked[0].region.symbol == "Pager.page"
    assert ranked[0].score > ranked[1].score
    reasons = " ".join(ranked[0].reasons)
    for reason in (
        "suspiciousness 1.00 at line 16",
        "traceback",
        "line 21",
        "the issue names page",
        "test calls page",
    ):
        assert reason in reasons
    by_line = {statement.first_line: score for statement, score in ranked[0].statements.items()}
    assert by_line[16] > by_line[18] > by_line[19] == 0  # line 19 no failing test executes
    assert by_line[21] > by_line[18]  # it is in the traceback


def test_what_runs_at_import_is_suspected_for_those_who_use_it() -> None:
    ranked = rank_suspects([source()], Evidence(lines={"shop/paging.py": {16: 1.0}}))
    by_symbol = {suspect.region.symbol: suspect for suspect in ranked}
    assert 0 < by_symbol["<module>"].score < by_symbol["Pager.page"].score
    assert "suspicious functions use what it defines" in by_symbol["<module>"].reasons
    assert "Pager" not in by_symbol


def test_without_coverage_all_statements_of_a_named_function_are_suspected() -> None:
    ranked = rank_suspects([source()], Evidence(named=frozenset({"count"}), whole=False))
    assert ranked[0].region.symbol == "count"
    assert all(score > 0 for score in ranked[0].statements.values())


def test_files_are_ranked_and_tests_left_out() -> None:
    evidence = Evidence(
        lines={"a.py": {1: 0.2}, "b.py": {1: 0.9}},
        frames={"c.py": {3: 1.0}},
        asserted=frozenset({"named"}),
    )
    paths = ["a.py", "b.py", "c.py", "named.py", "quiet.py", "tests/b.py", "test_c.py", "conftest.py", "x.txt"]
    assert rank_files(evidence, paths) == ["b.py", "c.py", "a.py", "named.py"]


def test_an_endless_chain_of_branches_is_left_out() -> None:
    code = "def f(x):\n    if x == 0:\n        return 0\n" + "".join(
        f"    elif x == {n}:\n        return {n}\n" for n in range(1, 1500)
    )
    made = Source.of("chain.py", code)
    assert made is None or rank_suspects([made], Evidence(named=frozenset({"f"}), whole=False)) == []


def test_a_function_shares_in_the_suspicion_of_what_calls_it() -> None:
    code = "def total(x):\n    return part(x)\n\n\ndef part(x):\n    return x\n\n\ndef other(x):\n    return x\n"
    lines = {"a.py": {2: 1.0, 6: 0.3, 10: 0.3}}
    ranked = rank_suspects([source(code, "a.py")], Evidence(lines=lines))
    assert [suspect.region.name for suspect in ranked] == ["total", "part", "other"]
    assert "total, which is suspicious, calls it" in ranked[1].reasons


def test_what_failing_tests_alone_see_and_return_is_a_reason() -> None:
    code = "def f(x):\n    if x > 1:\n        return x\n    return 0\n\n\ndef g(x):\n    return x\n"
    evidence = Evidence(
        lines={"a.py": {2: 0.5, 3: 0.5, 8: 0.5}},
        predicates={"a.py": {2: (0.9, "x == 1")}},
        values={"a.py": {3: (1.0, "ten")}},
    )
    ranked = rank_suspects([source(code, "a.py")], evidence)
    assert [suspect.region.name for suspect in ranked] == ["f", "g"]
    assert {"mostly failing tests see `x == 1` at line 2", "'ten' in the failing assertion comes from here"} <= set(
        ranked[0].reasons
    )
    worst = max(ranked[0].statements, key=lambda one: ranked[0].statements[one])
    assert worst.first_line == 2
