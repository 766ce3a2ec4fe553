"""Learned factors change the order of a template's edits."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from activities.repair import families
from activities.repair.families import CONDITION, TEMPLATES, name_template

Repairs = Callable[..., list[str]]
Learn = Callable[..., None]


@pytest.fixture
def learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Learn]:
    def learn(**factors: float) -> None:
        rows = {name.replace("__", "."): {"factor": factor} for name, factor in factors.items()}
        file = tmp_path / "priors.json"
        file.write_text(json.dumps({"templates": rows}))
        monkeypatch.setattr(families, "PRIORS_FILE", file)
        families._load_factors.cache_clear()

    yield learn
    families._load_factors.cache_clear()


def test_a_template_that_was_right_more_often_comes_earlier(repairs: Repairs, learned: Learn) -> None:
    code = "def f(a, b):\n    if a and b < 1:\n        return 1\n    return 2\n"
    wanted = code.replace("a and", "a or")
    learned(conditions__connective=0.5)
    late = repairs(code, CONDITION).index(wanted)
    learned(conditions__connective=2.0)
    assert repairs(code, CONDITION).index(wanted) < late


def test_without_figures_the_order_stays(repairs: Repairs, learned: Learn) -> None:
    code = "def f(a, b):\n    return a < b\n"
    learned()
    plain = repairs(code, CONDITION)
    learned(**{name_template(template).replace(".", "__"): 1.0 for template in TEMPLATES})
    assert repairs(code, CONDITION) == plain


def test_every_figure_belongs_to_a_template() -> None:
    figures = json.loads(families.PRIORS_FILE.read_text())
    names = [name_template(template) for template in TEMPLATES]
    assert len(set(names)) == len(names)
    assert set(figures["templates"]) <= set(names)  # later templates have no figures yet
    assert all(0.5 <= row["factor"] <= 2 for row in figures["templates"].values())
    assert sum(figures["fixes"].values()) >= figures["reproduced"] > 0


def test_every_template_belongs_to_a_family() -> None:
    assert set(TEMPLATES) == {template for family in families.FAMILIES for template in family.templates}
