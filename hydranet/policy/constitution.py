"""The constitution: what a run may never do, what waits for a human, and what it may do by itself."""

from collections.abc import Iterator
from enum import StrEnum
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Annotated, Any

import yaml
from pydantic import Field, StringConstraints, ValidationError

from hydranet.bounded_models import BoundedModel, Line, Name
from hydranet.errors import UsageError

FILE = "constitution.yaml"
_BYTES_LIMIT = 65_536


class Effect(StrEnum):
    """What a rule does with an operation."""

    REFUSED = "refused"
    SUPERVISED = "supervised"
    ALLOWED = "allowed"


class Decision(BoundedModel):
    """What was decided about an operation, by which rule and why: an entry of the audit trail.

    `subject` is what the operation is about: a branch, a command, a path.
    """

    operation: Name
    subject: Line = ""
    effect: Effect
    rule: Name
    reason: Line = ""


class Rule(BoundedModel):
    """One rule: it matches every subject of its operation, or those that fit a pattern of `match` (* and ?)."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    operation: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,29}$")]
    match: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    reason: Line = ""

    def matches(self, operation: str, subject: str) -> bool:
        """Whether the rule speaks of this operation on this subject."""
        if operation != self.operation:
            return False
        return not self.match or any(fnmatchcase(subject, pattern) for pattern in self.match)


Rules = Annotated[tuple[Rule, ...], Field(max_length=200)]


class Constitution(BoundedModel):
    """All rules; the first section with one that matches decides."""

    immutable: Rules = ()
    supervised: Rules = ()
    autonomous: Rules = ()

    def decide(self, operation: str, subject: str = "") -> Decision:
        """What may become of an operation; one that no rule knows waits for a human."""
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
            reason=f"No rule of {FILE} speaks of it.",
        )

    def merge(self, own: "Constitution") -> "Constitution":
        """These rules with the user's `own`, whose rules replace those of the same id and come first.

        Raises UsageError for one that would replace an immutable rule.
        """
        fixed = {rule.id for rule in self.immutable}
        ids = [rule.id for _, rules in own._sections() for rule in rules]
        if taken := [name for name in ids if name in fixed or ids.count(name) > 1]:
            raise UsageError(f"{FILE}: the id '{taken[0]}' is taken by an immutable rule or twice; choose another.")

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
    """Plain values only, and no references, which can make a small file a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references are not allowed")
        return super().compose_node(parent, index)


def parse_rules(text: str) -> Constitution:
    """The rules in a YAML text of at most 64 KB; UsageError says what is wrong with it."""
    if len(text.encode()) > _BYTES_LIMIT:
        raise UsageError(f"{FILE} is larger than {_BYTES_LIMIT // 1024} KB; shorten it.")
    try:
        # A subclass of the safe loader.
        values = yaml.load(text, _Loader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{FILE} is not valid YAML ({' '.join(str(error).split())[:200]}); correct it.") from None
    if not isinstance(values, dict | None):
        raise UsageError(f"{FILE} must hold the sections immutable, supervised and autonomous.")
    try:
        return Constitution.model_validate(values or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{FILE}: '{where}' is wrong: {first['msg']}; correct it.") from None


def load_rules(own: str = "") -> Constitution:
    """The shipped rules merged with the user's own text; not for workflows, which do not read files."""
    shipped = parse_rules(files("hydranet.policy").joinpath(FILE).read_text())
    return shipped.merge(parse_rules(own)) if own.strip() else shipped
