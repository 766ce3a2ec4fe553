"""Priors: how much more often than expected a template's edits were what people did to fix real bugs.

The figures are in priors.json, which `benchmarks/priors.py` makes from the histories of public repositories.
"""

import json
from functools import cache
from pathlib import Path

from activities.repair.site import Template

FIGURES = Path(__file__).with_suffix(".json")


def name_edit(template: Template) -> str:
    """A template's module and name, such as `conditions.negation`."""
    return f"{template.__module__.rpartition('.')[2]}.{template.__name__}"


def weigh_edit(template: Template) -> float:
    """By how much the prior of a template's edits is multiplied; 1 for one that nothing was learned about."""
    return _factors().get(name_edit(template), 1.0)


@cache
def _factors() -> dict[str, float]:
    return {key: float(row["factor"]) for key, row in json.loads(FIGURES.read_text())["templates"].items()}
