"""Families of templates, how likely each is for an error, and the groups in which strategies try them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from activities.repair import bounds, calls, collections, conditions, flow, guards, operands, statements, values
from activities.repair.priors import weigh_edit
from activities.repair.site import Site, Template, TemplateEdit
from hydranet.convergence.error_signature import ErrorClass

# Below this prior an edit is tried only when the likelier ones of all families were.
_COMMON = 0.25


@dataclass(frozen=True)
class Family:
    """A kind of change: its name, its templates and its prior.

    Only edits whose own prior is at least `least` and below `below` belong to it.
    """

    name: str
    templates: tuple[Template, ...]
    prior: float
    least: float = _COMMON
    below: float = 2.0

    def edits(self, site: Site) -> Iterator[TemplateEdit]:
        """All edits of the family at a site, with what was learned about their templates."""
        for template in self.templates:
            learned = weigh_edit(template)
            for edit in template(site):
                if self.least <= edit.prior < self.below:
                    yield replace(edit, prior=edit.prior * learned)


CONDITION = Family("boundary or condition", (*conditions.TEMPLATES, *bounds.TEMPLATES), 1.0)
OPERAND = Family("operand or variable", operands.TEMPLATES, 0.97)
CALL = Family("call or argument", (*calls.TEMPLATES, *collections.TEMPLATES), 0.92)
VALUE = Family("value or state", values.TEMPLATES, 0.8)
STATEMENT = Family("missing or misplaced statement", statements.TEMPLATES, 0.76)
FLOW = Family("result or control flow", flow.TEMPLATES, 0.74)
GUARD = Family("missing guard or case", guards.TEMPLATES, 0.72)

_KINDS = (CONDITION, OPERAND, CALL, VALUE, STATEMENT, FLOW, GUARD)

TEMPLATES = tuple(template for family in _KINDS for template in family.templates)

UNCOMMON = Family(
    "uncommon change",
    TEMPLATES,
    0.5,
    least=0.01,
    below=_COMMON,
)

FAMILIES = (*_KINDS, UNCOMMON)

# Families that an error makes likelier than they are by themselves.
_LIKELIER: dict[str, dict[str, float]] = {
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
    """How likely the family is to hold the repair, when a test fails with such an error."""
    factor = _LIKELIER.get(error, {}).get(family.name, 1.0)
    if error_class is ErrorClass.TIMEOUT and family in (STATEMENT, CONDITION):
        factor *= 1.15
    return family.prior * factor


@dataclass(frozen=True)
class FamilyGroup:
    """Families whose edits one strategy tries, with the likelihood of each; `name` is the strategy's kind.

    It tries `most` changes at most: by then another region or kind is likelier to hold the repair. Where `beyond`,
    it leaves out what those groups try; where `twice`, it tries two edits at once; where `plain`, it leaves out what a
    person would hardly write.
    """

    name: str
    families: tuple[tuple[Family, float], ...]
    most: int = 100
    beyond: tuple["FamilyGroup", ...] = ()
    twice: bool = False
    plain: bool = False

    @property
    def likelihood(self) -> float:
        """How likely the group is to hold the repair: as likely as the likeliest of its families."""
        likeliest = max(likely for _, likely in self.families)
        return likeliest * (_TWICE if self.twice else _BEYOND if self.beyond else 1.0)

    def edits(self, site: Site) -> Iterator[TemplateEdit]:
        """All edits of the group at a site."""
        for family, likely in self.families:
            for edit in family.edits(site):
                yield replace(edit, prior=edit.prior * likely)


# How likely the less likely edits are beside the likely ones, and two edits beside one.
_BEYOND, _TWICE = 0.5, 0.4

_EXPRESSION = (CONDITION, OPERAND, CALL)
_STATEMENT = (VALUE, STATEMENT, FLOW, GUARD)


def group_families(error: str = "", error_class: ErrorClass = ErrorClass.UNKNOWN) -> list[FamilyGroup]:
    """All groups, as likely as such an error makes them."""

    def rated(families: tuple[Family, ...]) -> tuple[tuple[Family, float], ...]:
        return tuple((family, weigh_family(family, error, error_class)) for family in families)

    likely = (
        FamilyGroup("wrong expression", rated(_EXPRESSION), plain=True),
        FamilyGroup("wrong or missing statement", rated(_STATEMENT), plain=True),
    )
    return [
        *likely,
        FamilyGroup("less likely change", rated(FAMILIES), most=300, beyond=likely),
        FamilyGroup("two changes", rated(_KINDS), most=300, twice=True, plain=True),
    ]
