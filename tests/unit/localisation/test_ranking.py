"""Regions, files and statements in the order of their suspiciousness."""

from dataclasses import replace

from activities.localisation.evidence import Evidence
from activities.localisation.ranking import Suspect, rank_files, rank_suspects
from activities.localisation.regions import list_regions
from activities.localisation.source import Source
from activities.localisation.suspiciousness import dstar, ochiai
from hydranet.contracts import Place

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


def rank(sources: list[Source], evidence: Evidence) -> list[Suspect]:
    return rank_suspects(sources, evidence)[0]


def count_lines(lines: dict[int, tuple[int, int]], path: str = "shop/paging.py", passing: int = 10) -> Evidence:
    """Return the evidence of one failing test and ten passing ones, of which so many execute the lines."""
    scores = {line: (ochiai(hit, passed, 1) + dstar(hit, passed, 1)) / 2 for line, (hit, passed) in lines.items()}
    return Evidence(line_scores={path: scores}, line_counts={path: lines}, failing=1, passing=passing, is_complete=True)


def test_the_covered_function_comes_first_with_its_reasons() -> None:
    evidence = replace(
        count_lines({16: (1, 0), 18: (1, 3), 21: (1, 3), 26: (1, 9)}),
        frame_scores={"shop/paging.py": {21: 1.0}},
        issue_words=frozenset({"page"}),
        called_names=frozenset({"page"}),
    )
    ranked = rank([source()], evidence)
    assert ranked[0].region.symbol == "Pager.page"
    assert ranked[0].probability > ranked[1].probability
    reasons = " ".join(ranked[0].reasons)
    for reason in ("only failing tests execute line 16", "the traceback of a failing test ends in line 21"):
        assert reason in reasons
    by_line = {statement.first_line: score for statement, score in ranked[0].statements.items()}
    assert by_line[16] > by_line[18] > by_line[19] == 0  # no failing test executes line 19
    assert by_line[21] > by_line[18]  # it is in the traceback


def test_module_level_code_is_suspected_when_a_suspicious_function_uses_it() -> None:
    ranked = rank([source()], count_lines({16: (1, 0)}))
    by_symbol = {suspect.region.symbol: suspect for suspect in ranked}
    assert 0 < by_symbol["<module>"].probability < by_symbol["Pager.page"].probability
    assert "suspicious functions use what it defines" in by_symbol["<module>"].reasons
    assert "Pager" not in by_symbol


def test_without_coverage_all_statements_of_a_named_function_are_suspected() -> None:
    ranked = rank([source()], Evidence(issue_words=frozenset({"count"}), is_complete=False))
    assert ranked[0].region.symbol == "count"
    assert all(score > 0 for score in ranked[0].statements.values())


def test_files_are_ranked_and_tests_left_out() -> None:
    evidence = Evidence(
        line_scores={"a.py": {1: 0.2}, "b.py": {1: 0.9}},
        frame_scores={"c.py": {3: 1.0}},
        called_names=frozenset({"named"}),
    )
    paths = ["a.py", "b.py", "c.py", "named.py", "quiet.py", "tests/b.py", "test_c.py", "conftest.py", "x.txt"]
    assert rank_files(evidence, paths) == ["c.py", "b.py", "named.py", "a.py"]


def test_a_chain_of_a_thousand_branches_is_skipped() -> None:
    code = "def f(x):\n    if x == 0:\n        return 0\n" + "".join(
        f"    elif x == {n}:\n        return {n}\n" for n in range(1, 1500)
    )
    chain = Source.parse("chain.py", code)
    assert chain is None or rank([chain], Evidence(issue_words=frozenset({"f"}), is_complete=False)) == []


def test_a_function_inherits_a_share_of_its_caller_s_score() -> None:
    code = "def total(x):\n    return part(x)\n\n\ndef part(x):\n    return x\n\n\ndef other(x):\n    return x\n"
    evidence = count_lines({2: (1, 0), 6: (1, 5), 10: (1, 5)}, "a.py")
    ranked = rank([source(code, "a.py")], evidence)
    by_name = {suspect.region.name: suspect for suspect in ranked}
    assert by_name["part"].probability > by_name["other"].probability
    assert "total, which only failing tests execute, calls it" in by_name["part"].reasons


def test_predicates_and_unexpected_values_are_reasons() -> None:
    code = "def f(x):\n    if x > 1:\n        return x\n    return 0\n\n\ndef g(x):\n    return x\n"
    evidence = Evidence(
        line_scores={"a.py": {2: 0.5, 3: 0.5, 8: 0.5}},
        predicate_scores={"a.py": {2: (0.9, "x == 1")}},
        wrong_values={"a.py": {3: (1.0, "ten")}},
    )
    ranked = rank([source(code, "a.py")], evidence)
    assert [suspect.region.name for suspect in ranked] == ["f", "g"]
    assert {"mostly failing tests see `x == 1` at line 2", "'ten' in the failing assertion comes from here"} <= set(
        ranked[0].reasons
    )
    worst = max(ranked[0].statements, key=lambda statement: ranked[0].statements[statement])
    assert worst.first_line == 2


def test_passing_tests_never_raise_a_probability() -> None:
    code = "def make(x):\n    return x\n\n\ndef use(x):\n    return make(x) + 1\n"
    chances = []
    for passed in range(11):
        ranked = rank([source(code, "a.py")], count_lines({2: (1, passed), 6: (1, 2)}, "a.py"))
        chances.append(next(suspect.probability for suspect in ranked if suspect.region.name == "make"))
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > chances[-1]


def test_all_that_retrieval_names_is_in_the_list_and_its_files_are_read_first() -> None:
    places = tuple(Place(file=f"shop/part{number}.py", symbol="f", why=f"calls f{number}") for number in range(30))
    evidence = Evidence(
        retrieved=places, line_scores={f"z{number}.py": {1: 1.0} for number in range(40)}, is_complete=True
    )
    paths = [*(place.file for place in places), *evidence.line_scores]
    assert {place.file for place in places} <= set(rank_files(evidence, paths)[:40])
    code = "def f(x):\n    return x\n\n\ndef g(x):\n    return x\n"
    suspects, others = rank_suspects([source(code, place.file) for place in places[:20]], evidence)
    named = [suspect for suspect in suspects if suspect.region.symbol == "f"]
    assert len(named) == 20
    assert named[0].reasons[0] == "retrieval's first place: calls f0"
    assert [place.file for place in others] == [place.file for place in places[20:]]
    chances = [*(suspect.probability for suspect in suspects), *(place.probability for place in others)]
    assert sum(chances) <= 1
    assert named[0].probability == max(suspect.probability for suspect in suspects)
    assert all(place.probability > 0 for place in others)


def test_a_nested_function_that_retrieval_names_counts_for_the_function_around_it() -> None:
    place = Place(file="shop/paging.py", symbol="Pager.page.cut", first_line=18, why="the issue names cut")
    suspects, others = rank_suspects([source()], Evidence(retrieved=(place,)))
    assert [suspect.region.symbol for suspect in suspects] == ["Pager.page"]
    assert others == []
