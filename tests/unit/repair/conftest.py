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

MOST = 300


def suspect_in(code: str, symbol: str = "") -> Suspect:
    """The region `symbol` (or the last one) of some code, all of whose statements are suspicious."""
    source = Source.parse("shop/paging.py", code)
    assert source is not None
    found = [region for region in list_regions(source) if symbol in ("", region.symbol)]
    region = found[-1]
    return Suspect(region, 1.0, dict.fromkeys(region.statements, 1.0), ())


@pytest.fixture
def repairs() -> Repairs:
    """All texts that a family makes of some code, in its order."""

    def made(code: str, family: Family, symbol: str = "", elsewhere: str = "") -> list[str]:
        suspect, alone = suspect_in(code, symbol), FamilyGroup(family.name, ((family, 1.0),), most=MOST)
        search = RepairSearch(suspect, alone, Vocabulary.from_trees([suspect.region.source.tree, ast.parse(elsewhere)]))
        return [change.text for change in search.after(0, MOST)]

    return made
