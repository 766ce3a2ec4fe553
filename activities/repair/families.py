"""Families of templates, their weights for an error and in real fixes, and the groups that strategies try."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from activities.repair import (
    bounds,
    calls,
    collections,
    conditions,
    flow,
    guards,
    limits,
    operands,
    operators,
    statements,
    values,
    wrapping,
)
from activities.repair.site import Site, Template, TemplateEdit
from hydranet.convergence.error_signature import ErrorClass
from hydranet.strategy import SUGGESTED

PRIORS_FILE = Path(__file__).with_name("priors.json")
"""How often each template was right in real fixes, written by `benchmarks/priors.py`."""

# The prior of an edit below which it is tried only after the likelier ones of all families.
_UNCOMMON_PRIOR = 0.25


def name_template(template: Template) -> str:
    """Return the module and name of a template, such as `conditions.negation`."""
    return f"{template.__module__.rpartition('.')[2]}.{template.__name__}"


def weigh_template(template: Template) -> float:
    """Return the learned factor on the priors of a template's edits; 1 when nothing was learned."""
    return _load_factors().get(name_template(template), 1.0)


@cache
def _load_factors() -> dict[str, float]:
    return {key: float(row["factor"]) for key, row in json.loads(PRIORS_FILE.read_text())["templates"].items()}


@dataclass(frozen=True)
class Family:
    """A kind of change: its name, its templates and its prior in 0..1.

    An edit belongs to it when its prior is at least `min_prior` and below `max_prior`.
    """

    name: str
    templates: tuple[Template, ...]
    prior: float
    min_prior: float = _UNCOMMON_PRIOR
    max_prior: float = 2.0

    def edits(self, site: Site) -> Iterator[TemplateEdit]:
        """Yield the edits of the family at a site, their priors multiplied by the learned factors."""
        for template in self.templates:
            factor = weigh_template(template)
            for edit in template(site):
                if self.min_prior <= edit.prior < self.max_prior:
                    yield replace(edit, prior=edit.prior * factor)


# The priors of the families were set by hand: the first is the likeliest to contain a repair.
CONDITION = Family("boundary or condition", (*conditions.TEMPLATES, *bounds.TEMPLATES), 1.0)
OPERAND = Family("operand or variable", (*operators.TEMPLATES, *operands.TEMPLATES), 0.97)
CALL = Family("call or argument", (*calls.TEMPLATES, *collections.TEMPLATES), 0.92)
WRAPPING = Family("missing call around a value", (*wrapping.TEMPLATES, *limits.TEMPLATES), 0.92)
VALUE = Family("value or state", values.TEMPLATES, 0.8)
STATEMENT = Family("missing or misplaced statement", statements.TEMPLATES, 0.76)
FLOW = Family("result or control flow", flow.TEMPLATES, 0.74)
GUARD = Family("missing guard or case", guards.TEMPLATES, 0.72)

_COMMON_FAMILIES = (CONDITION, OPERAND, CALL, WRAPPING, VALUE, STATEMENT, FLOW, GUARD)

TEMPLATES = tuple(template for family in _COMMON_FAMILIES for template in family.templates)

UNCOMMON = Family("uncommon change", TEMPLATES, 0.5, min_prior=0.01, max_prior=_UNCOMMON_PRIOR)

FAMILIES = (*_COMMON_FAMILIES, UNCOMMON)

# The factor on a family's prior by the type of the error.
_ERROR_FACTORS: dict[str, dict[str, float]] = {
    "IndexError": {GUARD.name: 1.3},
    "KeyError": {GUARD.name: 1.35, VALUE.name: 1.2},
    "AttributeError": {GUARD.name: 1.35, FLOW.name: 1.2},
    "TypeError": {GUARD.name: 1.25, FLOW.name: 1.15, CALL.name: 1.05},
    "ZeroDivisionError": {GUARD.name: 1.4},
    "NameError": {OPERAND.name: 1.2},
    "UnboundLocalError": {VALUE.name: 1.3, STATEMENT.name: 1.3},
    "RecursionError": {GUARD.name: 1.2},
    "StopIteration": {GUARD.name: 1.3},
    "ValueError": {GUARD.name: 1.2},
    "RuntimeError": {VALUE.name: 1.3},
}


def weigh_family(family: Family, error: str, error_class: ErrorClass) -> float:
    """Return the prior of a family for an error of this type and class."""
    factor = _ERROR_FACTORS.get(error, {}).get(family.name, 1.0)
    if error_class is ErrorClass.TIMEOUT and family in (STATEMENT, CONDITION):
        factor *= 1.15  # an endless loop mostly has a wrong condition or misses a step
    return family.prior * factor


@dataclass(frozen=True)
class FamilyGroup:
    """The families whose edits one strategy tries, each with its weight; `name` is the strategy's kind.

    - `max_changes`: the changes after which another region or group is likelier to contain the repair
    - `excluded`: groups whose changes are left out
    - `paired`: two edits are made at once
    - `plausible_only`: changes that a person would hardly write are left out
    """

    name: str
    families: tuple[tuple[Family, float], ...]
    max_changes: int = 100
    excluded: tuple["FamilyGroup", ...] = ()
    paired: bool = False
    plausible_only: bool = False

    @property
    def weight(self) -> float:
        """The weight of the group against others: that of its likeliest family."""
        highest = max(weight for _, weight in self.families)
        return highest * (_PAIRED_FACTOR if self.paired else _EXCLUDING_FACTOR if self.excluded else 1.0)

    def edits(self, site: Site) -> Iterator[TemplateEdit]:
        """Yield the edits of the group at a site, their priors multiplied by the weights of the families."""
        for family, weight in self.families:
            for edit in family.edits(site):
                yield replace(edit, prior=edit.prior * weight)


# The factors on the weight of a group of less likely changes, and of one of two edits at once.
_EXCLUDING_FACTOR, _PAIRED_FACTOR = 0.5, 0.4

# Five batches: a branch that circles is reaped after three of them.
_MANY_CHANGES = 500

_EXPRESSION = (CONDITION, OPERAND, CALL, WRAPPING)
_STATEMENT = (VALUE, STATEMENT, FLOW, GUARD)


def group_all(error: str, error_class: ErrorClass) -> FamilyGroup:
    """Return the group of all families, whose changes are tried where a person takes the cause to be."""
    weighed = tuple((family, weigh_family(family, error, error_class)) for family in FAMILIES)
    return FamilyGroup(SUGGESTED, weighed, max_changes=_MANY_CHANGES)


def group_families(error: str = "", error_class: ErrorClass = ErrorClass.UNKNOWN) -> list[FamilyGroup]:
    """Return the groups with their weights for an error of this type and class."""

    def weigh(families: tuple[Family, ...]) -> tuple[tuple[Family, float], ...]:
        return tuple((family, weigh_family(family, error, error_class)) for family in families)

    likely = (
        FamilyGroup("wrong expression", weigh(_EXPRESSION), plausible_only=True),
        FamilyGroup("wrong or missing statement", weigh(_STATEMENT), plausible_only=True),
    )
    return [
        *likely,
        FamilyGroup("less likely change", weigh(FAMILIES), max_changes=_MANY_CHANGES, excluded=likely),
        FamilyGroup(
            "two changes", weigh(_COMMON_FAMILIES), max_changes=_MANY_CHANGES, paired=True, plausible_only=True
        ),
    ]
