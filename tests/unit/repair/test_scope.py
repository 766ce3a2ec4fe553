"""Names in scope, value types and the vocabulary."""

import ast

import pytest

from activities.localisation.regions import list_regions
from activities.localisation.source import Source
from activities.localisation.vocabulary import Vocabulary, collect_words
from activities.repair.scope import NamesInScope
from activities.repair.value_types import ValueType, ValueTypes, score_compatibility

CODE = """import os

LIMIT = 3


class Base:
    size = 1

    def grow(self):
        self.grown = True


class Shop(Base):
    def price(self, item, count=1):
        total = item.price
        for n in range(count):
            print(last)
            last = n
        rest = [x for x in item if x > total]

        def nested(y):
            return y + total

        later = nested(1)
        return later
"""


@pytest.fixture
def scope() -> NamesInScope:
    source = Source.parse("a.py", CODE)
    assert source is not None
    region = next(region for region in list_regions(source) if region.symbol == "Shop.price")
    return NamesInScope(region, Vocabulary())


def names_at(scope: NamesInScope, line: int) -> set[str]:
    statement = next(statement for statement in scope.region.statements if statement.first_line == line)
    return set(scope.list_variables(statement))


def test_variables_have_a_value_where_they_are_listed(scope: NamesInScope) -> None:
    assert names_at(scope, 15) == {"self", "item", "count"}
    assert names_at(scope, 17) == {
        "self",
        "item",
        "count",
        "total",
        "n",
        "last",
    }  # assigned in an earlier round of the loop
    assert names_at(scope, 16) == {"self", "item", "count", "total"}
    assert names_at(scope, 22) >= {"y", "total", "item"}
    assert "later" not in names_at(scope, 24)
    assert "later" in names_at(scope, 25)


def test_names_of_a_comprehension_are_seen_in_it_only(scope: NamesInScope) -> None:
    statement = next(statement for statement in scope.region.statements if statement.first_line == 19)
    inner = next(node for node in ast.walk(statement.node) if isinstance(node, ast.Compare))
    assert "x" in scope.list_variables(statement, inner)
    assert "x" not in scope.list_variables(statement)


def test_attributes_come_from_the_class_and_its_bases(scope: NamesInScope) -> None:
    assert set(scope.self_attributes) == {"price", "size", "grow", "grown"}
    assert scope.parameters == ["item", "count"]
    assert set(scope.globals) == {"os", "LIMIT", "Base", "Shop"}
    assert scope.module_variables == ["LIMIT"]


@pytest.mark.parametrize(
    ("code", "value_type"),
    [
        ("x = 1", ValueType.NUMBER),
        ("x = 'a'.strip()", ValueType.TEXT),
        ("x = []", ValueType.LIST),
        ("first, *x = y", ValueType.LIST),
        ("x = {}", ValueType.DICT),
        ("x = set()", ValueType.SET),
        ("x = a == b", ValueType.BOOL),
        ("x = len(y) - 1", ValueType.NUMBER),
        ("y = []\nx = y[1:]", ValueType.LIST),
        ("x = [0] * n", ValueType.LIST),
        ("for x in range(3): pass", ValueType.NUMBER),
        ("for x, y in enumerate(z): pass", ValueType.NUMBER),
        ("def f(x: dict[str, int]): pass", ValueType.DICT),
        ("def f(y, x=''): pass", ValueType.TEXT),
        ("x - 1", ValueType.NUMBER),
        ("x.append(1)", ValueType.LIST),
        ("x.name", ValueType.OBJECT),
        ("x()", ValueType.CALLABLE),
        ("x = 1\nx = ''", ValueType.UNKNOWN),
        ("x = y", ValueType.UNKNOWN),
    ],
)
def test_value_types_are_inferred(code: str, value_type: ValueType) -> None:
    assert ValueTypes([ast.parse(code)]).type_of_name("x") is value_type


def test_compatibility_is_highest_for_the_same_type() -> None:
    for expected in ValueType:
        assert all(
            score_compatibility(expected, expected) >= score_compatibility(expected, other) > 0 for other in ValueType
        )


def test_a_misspelling_is_similar_to_its_word() -> None:
    vocabulary = Vocabulary(collect_words([ast.parse("user['address'] = paginate")]))
    assert vocabulary.words == ("address", "paginate", "user")
    assert vocabulary.find_similar("adress")[0][0] == "address"
    assert vocabulary.find_similar("paginate") == []
    assert vocabulary.find_similar("zebra") == []
