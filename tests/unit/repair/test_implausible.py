import ast

import pytest

from activities.localisation.vocabulary import Vocabulary
from activities.repair.families import FamilyGroup, group_families
from activities.repair.implausible import find_oddities, find_predicates
from activities.repair.search import RepairSearch
from tests.unit.repair.conftest import suspect_in


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def f(a, b): return a", "f never reads b"),
        ("def f(a):\n    b = a\n    return a", "f never reads b"),
        ("a < a", "itself"),
        ("a - a", "itself"),
        ("a and a", "twice"),
        ("self.a = self.a", "to itself"),
        ("f(a.b, a.b)", "passes f the same twice"),
        ("a.f(a, 1)", "its own object"),
        ("touches(a) > 1", "by truth"),
        ("a.touches(b) <= c", "by truth"),
        ("(not a) < b", "by truth"),
        ("a[b:b]", "takes nothing"),
    ],
)
def test_what_a_person_would_hardly_write_is_odd(code: str, words: str) -> None:
    (oddity,) = find_oddities(ast.parse(code), {"touches"})
    assert words in oddity


@pytest.mark.parametrize(
    "code",
    [
        "def f(a, b): return a + b",
        "def f(a):\n    a = a + 1\n    return a",
        "def f(a):\n    def g(): return a\n    return g",
        "def f(a): return locals()",
        "def f(a): return [[0] * a for _ in range(3)]",
        "def f(a):\n    for number in range(3): a()",
        "def f():\n    global a\n    a = 1",
        "def f(self): return 1",
        "getattr(a, 'b', a)",
        "a + a",
        "a * a",
        "f(1, 1)",
        "zip(a, a)",
        "touched(a) > 1",
        "touches(a) == touches(b)",
    ],
)
def test_what_people_write_is_not_odd(code: str) -> None:
    assert find_oddities(ast.parse(code), {"touches"}) == set()


def test_predicates_are_known_by_their_annotation_or_their_results() -> None:
    code = (
        "def annotated(a) -> bool: return a\n"
        "def compared(a, b): return a < b and not b\n"
        "def both(a):\n    if a: return True\n    return a\n"
        "def none(a): return\n"
    )
    assert find_predicates(ast.parse(code)) == {"annotated", "compared"}


def test_implausible_changes_come_last_among_the_less_likely() -> None:
    code = "def find(key, tags, spare):\n    start = len(key) + 1\n    return key + tags[start]\n"
    usual = find_oddities(ast.parse(code))

    def odd(group: FamilyGroup) -> list[bool]:
        search = RepairSearch(suspect_in(code), group, Vocabulary.from_trees([ast.parse("")]))
        return [not find_oddities(ast.parse(change.text)) <= usual for change in search.list_changes(0, 300)]

    likely, _, unlikely, _ = group_families()
    assert odd(likely)
    assert not any(odd(likely))
    are_odd = odd(unlikely)
    assert any(are_odd)
    assert are_odd == sorted(are_odd)
