"""Regions, files and statements in the order of their suspiciousness."""

from activities.localisation.evidence import Evidence
from activities.localisation.ranking import rank_files, rank_suspects
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
    parsed = Source.parse(path, code)
    assert parsed is not None
    return parsed


def test_regions_are_functions_class_bodies_and_module_levels() -> None:
    regions = list_regions(source())
    assert [region.symbol for region in regions] == ["<module>", "Pager", "Pager.__init__", "Pager.page", "count"]
    assert [region.label for region in regions][-2:] == ["Pager.page() (shop/paging.py)", "count() (shop/paging.py)"]
    page = regions[3]
    assert [statement.first_line for statement in page.statements] == [15, 16, 18, 19, 21]
    assert [statement.first_line for statement in regions[0].statements] == [4]
    assert [statement.first_line for statement in regions[1].statements] == [10]
    assert regions[4].statements[0].first_line == 24


def test_the_covered_function_comes_first_with_its_reasons() -> None:
    evidence = Evidence(
        line_scores={"shop/paging.py": {16: 1.0, 18: 0.5, 21: 0.5, 26: 0.2}},
        frame_scores={"shop/paging.py": {21: 1.0}},
        issue_words=frozenset({"page"}),
        called_names=frozenset({"page"}),
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
    assert by_line[16] > by_line[18] > by_line[19] == 0  # no failing test executes line 19
    assert by_line[21] > by_line[18]  # it is in the traceback


def test_module_level_code_is_suspected_when_a_suspicious_function_uses_it() -> None:
    ranked = rank_suspects([source()], Evidence(line_scores={"shop/paging.py": {16: 1.0}}))
    by_symbol = {suspect.region.symbol: suspect for suspect in ranked}
    assert 0 < by_symbol["<module>"].score < by_symbol["Pager.page"].score
    assert "suspicious functions use what it defines" in by_symbol["<module>"].reasons
    assert "Pager" not in by_symbol


def test_without_coverage_all_statements_of_a_named_function_are_suspected() -> None:
    ranked = rank_suspects([source()], Evidence(issue_words=frozenset({"count"}), is_complete=False))
    assert ranked[0].region.symbol == "count"
    assert all(score > 0 for score in ranked[0].statements.values())


def test_files_are_ranked_and_tests_left_out() -> None:
    evidence = Evidence(
        line_scores={"a.py": {1: 0.2}, "b.py": {1: 0.9}},
        frame_scores={"c.py": {3: 1.0}},
        called_names=frozenset({"named"}),
    )
    paths = ["a.py", "b.py", "c.py", "named.py", "quiet.py", "tests/b.py", "test_c.py", "conftest.py", "x.txt"]
    assert rank_files(evidence, paths) == ["b.py", "c.py", "a.py", "named.py"]


def test_a_chain_of_a_thousand_branches_is_skipped() -> None:
    code = "def f(x):\n    if x == 0:\n        return 0\n" + "".join(
        f"    elif x == {n}:\n        return {n}\n" for n in range(1, 1500)
    )
    chain = Source.parse("chain.py", code)
    assert chain is None or rank_suspects([chain], Evidence(issue_words=frozenset({"f"}), is_complete=False)) == []


def test_a_function_inherits_a_share_of_its_caller_s_score() -> None:
    code = "def total(x):\n    return part(x)\n\n\ndef part(x):\n    return x\n\n\ndef other(x):\n    return x\n"
    lines = {"a.py": {2: 1.0, 6: 0.3, 10: 0.3}}
    ranked = rank_suspects([source(code, "a.py")], Evidence(line_scores=lines))
    assert [suspect.region.name for suspect in ranked] == ["total", "part", "other"]
    assert "total, which is suspicious, calls it" in ranked[1].reasons


def test_predicates_and_unexpected_values_are_reasons() -> None:
    code = "def f(x):\n    if x > 1:\n        return x\n    return 0\n\n\ndef g(x):\n    return x\n"
    evidence = Evidence(
        line_scores={"a.py": {2: 0.5, 3: 0.5, 8: 0.5}},
        predicate_scores={"a.py": {2: (0.9, "x == 1")}},
        wrong_values={"a.py": {3: (1.0, "ten")}},
    )
    ranked = rank_suspects([source(code, "a.py")], evidence)
    assert [suspect.region.name for suspect in ranked] == ["f", "g"]
    assert {"mostly failing tests see `x == 1` at line 2", "'ten' in the failing assertion comes from here"} <= set(
        ranked[0].reasons
    )
    worst = max(ranked[0].statements, key=lambda statement: ranked[0].statements[statement])
    assert worst.first_line == 2
