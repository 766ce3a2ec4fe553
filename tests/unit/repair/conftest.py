import ast
from collections.abc import Callable

import pytest

from activities.localisation.ranking import Suspect
from activities.localisation.regions import list_regions
from activities.localisation.source import Source
from activities.localisation.vocabulary import Vocabulary
from activities.repair.families import Family, FamilyGroup
from activities.repair.search import RepairSearch

Repairs = Callable[..., list[str]]

MAX_CHANGES = 300


def suspect_in(code: str, symbol: str = "") -> Suspect:
    """Return the region `symbol` of some code, or its last one, with every statement suspicious."""
    source = Source.parse("shop/paging.py", code)
    assert source is not None
    region = [region for region in list_regions(source) if symbol in ("", region.symbol)][-1]
    return Suspect(region, 1.0, dict.fromkeys(region.statements, 1.0), ())


@pytest.fixture
def repairs() -> Repairs:
    """Return a function that lists the texts that a family makes of some code, in order."""

    def list_texts(code: str, family: Family, symbol: str = "", elsewhere: str = "") -> list[str]:
        suspect, alone = suspect_in(code, symbol), FamilyGroup(family.name, ((family, 1.0),), max_changes=MAX_CHANGES)
        search = RepairSearch(suspect, alone, Vocabulary.from_trees([suspect.region.source.tree, ast.parse(elsewhere)]))
        return [change.text for change in search.list_changes(0, MAX_CHANGES)]

    return list_texts
