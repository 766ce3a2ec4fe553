"""What was learned about templates changes the order of their edits, within bounds."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from activities.repair import families, priors
from activities.repair.families import CONDITION, TEMPLATES

Repairs = Callable[..., list[str]]
Learn = Callable[..., None]


@pytest.fixture
def learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Learn]:
    def learn(**factors: float) -> None:
        rows = {name.replace("__", "."): {"factor": factor} for name, factor in factors.items()}
        file = tmp_path / "priors.json"
        file.write_text(json.dumps({"templates": rows}))
        monkeypatch.setattr(priors, "FIGURES", file)
        priors._factors.cache_clear()

    yield learn
    priors._factors.cache_clear()


def test_what_was_right_more_often_comes_earlier(repairs: Repairs, learned: Learn) -> None:
    code = "def f(a, b):\n    if a and b < 1:\n        return 1\n    return 2\n"
    wanted = code.replace("a and", "a or")
    learned(conditions__connective=0.5)
    late = repairs(code, CONDITION).index(wanted)
    learned(conditions__connective=2.0)
    assert repairs(code, CONDITION).index(wanted) < late


def test_nothing_learned_changes_nothing(repairs: Repairs, learned: Learn) -> None:
    code = "def f(a, b):\n    return a < b\n"
    learned()
    plain = repairs(code, CONDITION)
    learned(**{priors.name_edit(template).replace(".", "__"): 1.0 for template in TEMPLATES})
    assert repairs(code, CONDITION) == plain


def test_the_figures_are_of_templates_that_there_are() -> None:
    figures = json.loads(priors.FIGURES.read_text())
    names = [priors.name_edit(template) for template in TEMPLATES]
    assert len(set(names)) == len(names)
    assert set(figures["templates"]) <= set(names)  # of a template that came later nothing is known
    assert all(0.5 <= row["factor"] <= 2 for row in figures["templates"].values())
    assert sum(figures["fixes"].values()) >= figures["made"] > 0


def test_families_share_out_all_templates() -> None:
    assert set(TEMPLATES) == {t for family in families.FAMILIES for t in family.templates}
