"""A strategy: a hypothesis about the root cause and the plan that follows."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Annotated, NamedTuple

from pydantic import Field

from hydranet.bounded_models import BoundedModel, FilePath, Line, Name, Note, Sender

TEMPLATES = "templates"
"""The model of runs and strategies that use the repair templates, which read no prompt and cost no tokens."""


SUGGESTED = "suggested change"
"""The kind of strategies that people suggest: whatever change mends what they name."""

MODULE_LEVEL = "<module>"
"""The symbol of what stands around the definitions of a file."""


class Strategy(BoundedModel):
    """What a branch pursues.

    `kind` is the kind of change the strategy means to make ("boundary condition", "missing guard",
    "rewrite function"); `model` names the backend that pursues it, empty for the run's own. `skill`, in 0..1, is how
    often such a change is the fix where the place is right, as far as the proposer knows; else 0. `suggested_by` is the
    person whose own it is, empty for those of models and templates.
    """

    title: Line
    rationale: Note = ""
    plan: Note = ""
    kind: Line = ""
    target_files: Annotated[tuple[FilePath, ...], Field(max_length=8)] = ()
    target_symbols: Annotated[tuple[Name, ...], Field(max_length=8)] = ()
    model: Name = ""
    skill: Annotated[float, Field(ge=0, le=1)] = 0.0
    suggested_by: Sender = ""


def slugify(title: str, length: int = 32, default: str = "strategy") -> str:
    """Lower-case words of `title` joined by hyphens, at most `length` characters; `default` when it has none.

    Letters lose their accents. Other scripts have no letters here, and a number alone says nothing.
    """
    plain = unicodedata.normalize("NFKD", title.casefold())
    words = re.sub(r"[^a-z0-9]+", "-", re.sub(r"[\u0300-\u036f]", "", plain)).strip("-")
    if len(words) > length:
        # A word that does not fit is left out, but for one that alone is too long.
        words = words[: length + 1].rpartition("-")[0] or words[:length]
    return words if re.search("[a-z]", words) else default


def is_new(strategy: Strategy, dead: Iterable[Strategy]) -> bool:
    """Return whether `strategy` is structurally different from every dead one.

    It is not when a dead one has tried the same kind of change on the same files and symbols, or on
    these and more; the wording of title and rationale does not count.
    """
    own = _structure(strategy)
    return not any(_covers(_structure(other), own) for other in dead)


def rank_strategies(strategies: Iterable[Strategy], dead: Iterable[Strategy]) -> list[Strategy]:
    """`strategies` with those first that share the least with any dead one, of equals the earlier.

    What two strategies share is the mean of the Jaccard indices of their files and of their symbols,
    and of whether their kinds are the same.
    """
    structures = [_structure(other) for other in dead]

    def shared(strategy: Strategy) -> float:
        own = _structure(strategy)
        return max((_shared(own, other) for other in structures), default=0.0)

    return sorted(strategies, key=shared)


class _Structure(NamedTuple):
    files: frozenset[str]
    symbols: frozenset[str]
    kind: str


def _structure(strategy: Strategy) -> _Structure:
    kind = " ".join(sorted(re.findall(r"[a-z]+", strategy.kind.lower())))
    return _Structure(frozenset(strategy.target_files), frozenset(strategy.target_symbols), kind)


def _covers(dead: _Structure, new: _Structure) -> bool:
    narrower = not dead.symbols or (bool(new.symbols) and new.symbols <= dead.symbols)
    return new.kind == dead.kind and new.files <= dead.files and narrower


def _shared(left: _Structure, right: _Structure) -> float:
    return (_jaccard(left.files, right.files) + _jaccard(left.symbols, right.symbols) + (left.kind == right.kind)) / 3


def _jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / len(left | right) if left | right else 1.0
