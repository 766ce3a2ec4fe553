"""The constitution: what a run may never do, what waits for a person, and what it may do by itself."""

from collections.abc import Iterator
from enum import StrEnum
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Annotated, Any

import yaml
from pydantic import Field, StringConstraints, ValidationError

from hydranet.bounded_models import BoundedModel, Line, Name
from hydranet.errors import UsageError
from hydranet.invalid_values import explain_value, name_field

FILE = "constitution.yaml"
_BYTES_LIMIT = 65_536


class Effect(StrEnum):
    """The effect of a rule on an operation."""

    REFUSED = "refused"
    SUPERVISED = "supervised"
    ALLOWED = "allowed"


class Decision(BoundedModel):
    """A decision about an operation, with its rule and reason: an entry of the audit trail.

    `subject` is what the operation is about: a branch, a command, a path.
    """

    operation: Name
    subject: Line = ""
    effect: Effect
    rule: Name
    reason: Line = ""

    def describe(self) -> str:
        """Return the decision as a sentence."""
        reason = f": {self.reason}" if self.reason else "."
        return f"rule {self.rule}: {self.operation} {self.subject} is {self.effect}{reason}"


class Rule(BoundedModel):
    """A rule for every subject of its operation, or for those that fit a pattern of `match` (* and ?)."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    operation: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,29}$")]
    match: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    reason: Line = ""

    def matches(self, operation: str, subject: str) -> bool:
        """Return True when the rule is about this operation on this subject."""
        if operation != self.operation:
            return False
        return not self.match or any(fnmatchcase(subject, pattern) for pattern in self.match)


Rules = Annotated[tuple[Rule, ...], Field(max_length=200)]


class Constitution(BoundedModel):
    """All rules; the first section with a rule that matches decides."""

    immutable: Rules = ()
    supervised: Rules = ()
    autonomous: Rules = ()

    def decide(self, operation: str, subject: str = "") -> Decision:
        """Decide about an operation; one that no rule is about waits for a person."""
        for effect, rules in self._sections():
            for rule in rules:
                if rule.matches(operation, subject):
                    return Decision(
                        operation=operation, subject=subject, effect=effect, rule=rule.id, reason=rule.reason
                    )
        return Decision(
            operation=operation,
            subject=subject,
            effect=Effect.SUPERVISED,
            rule="unlisted",
            reason=f"No rule of {FILE} is about it.",
        )

    def merge(self, own: "Constitution") -> "Constitution":
        """Return these rules with the user's own, which come first and replace those of the same id.

        Raises UsageError for a rule that would replace an immutable one.
        """
        fixed = {rule.id for rule in self.immutable}
        ids = [rule.id for _, rules in own._sections() for rule in rules]
        if taken := [name for name in ids if name in fixed or ids.count(name) > 1]:
            raise UsageError(
                f"{FILE}: the id '{taken[0]}' is taken, by an immutable rule or by another of yours: choose another id."
            )

        def without(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
            return tuple(rule for rule in rules if rule.id not in ids)

        return Constitution(
            immutable=(*self.immutable, *own.immutable),
            supervised=(*own.supervised, *without(self.supervised)),
            autonomous=(*own.autonomous, *without(self.autonomous)),
        )

    def _sections(self) -> Iterator[tuple[Effect, tuple[Rule, ...]]]:
        yield Effect.REFUSED, self.immutable
        yield Effect.SUPERVISED, self.supervised
        yield Effect.ALLOWED, self.autonomous


class _Loader(yaml.SafeLoader):
    """A loader of plain values, without references, by which a small file can become a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references are not allowed")
        return super().compose_node(parent, index)


def parse_rules(text: str) -> Constitution:
    """Return the rules of a YAML text; UsageError when it is wrong or larger than 64 KB."""
    if len(text.encode()) > _BYTES_LIMIT:
        raise UsageError(f"{FILE} is larger than {_BYTES_LIMIT // 1024} KB: shorten it.")
    try:
        values = yaml.load(text, _Loader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{FILE} is not valid YAML ({' '.join(str(error).split())[:200]}): correct it.") from None
    if not isinstance(values, dict | None):
        raise UsageError(f"{FILE} must have the sections immutable, supervised and autonomous, or some of them.")
    try:
        return Constitution.model_validate(values or {})
    except ValidationError as error:
        field = name_field(error)
        raise UsageError(f"{FILE}: '{field}' is wrong (it {explain_value(error)}): correct it.") from None


def load_rules(own: str = "") -> Constitution:
    """Return the shipped rules merged with the user's own text.

    Not for workflows, which may not read files.
    """
    shipped = parse_rules(files("hydranet.policy").joinpath(FILE).read_text())
    return shipped.merge(parse_rules(own)) if own.strip() else shipped
