"""A strategy: a hypothesis about the root cause and the plan that follows."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from hydranet.bounded import Bounded, Line, Name, Note


class Strategy(Bounded):
    """What a branch pursues.

    `kind` is the kind of change the strategy means to make ("boundary condition", "missing guard",
    "rewrite function"); `model` names the backend that pursues it, empty for the run's own.
    """

    title: Line
    rationale: Note = ""
    plan: Note = ""
    kind: Line = ""
    target_files: Annotated[tuple[Name, ...], Field(max_length=8)] = ()
    target_symbols: Annotated[tuple[Name, ...], Field(max_length=8)] = ()
    model: Name = ""


def slug(title: str, length: int = 32) -> str:
    """Lower-case words of `title` joined by hyphens, at most `length` characters, never empty."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return words[:length].rstrip("-") or "strategy"


def is_new(strategy: Strategy, dead: Iterable[Strategy]) -> bool:
    """Whether `strategy` is structurally different from every dead one.

    Two strategies are the same when they aim at the same files and symbols with the same kind of
    change; the wording of title and rationale does not count.
    """
    return all(_structure(strategy) != _structure(other) for other in dead)


def _structure(strategy: Strategy) -> tuple[frozenset[str], frozenset[str], str]:
    kind = " ".join(sorted(re.findall(r"[a-z]+", strategy.kind.lower())))
    return frozenset(strategy.target_files), frozenset(strategy.target_symbols), kind
