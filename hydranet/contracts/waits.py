"""The waits of a run: when it could do nothing, since a part of the stack was away."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from hydranet.bounded_models import BoundedModel, Line

_LIMIT = 200


class Wait(BoundedModel):
    """A time in which a run waited for a worker, Temporal, PostgreSQL or a person."""

    began: datetime
    ended: datetime

    @property
    def duration(self) -> timedelta:
        """How long it lasted."""
        return self.ended - self.began


class Waits(BoundedModel):
    """The waits of a run up to now; one that is `open` goes on. `failure` is why a step is being tried again."""

    waits: Annotated[tuple[Wait, ...], Field(max_length=_LIMIT)] = ()
    open: bool = False
    failure: Line = ""


def merge_waits(waits: Iterable[Wait], began: datetime, ended: datetime) -> list[Wait]:
    """Return the same time between `began` and `ended` as waits that do not overlap, in order."""
    merged: list[Wait] = []
    for wait in sorted(waits, key=lambda wait: wait.began):
        start = max(wait.began, merged[-1].ended if merged else began)
        end = min(wait.ended, ended)
        if merged and start == merged[-1].ended and end > start:
            merged[-1] = Wait(began=merged[-1].began, ended=end)
        elif end > start:
            merged.append(Wait(began=start, ended=end))
    return merged


def keep_longest(waits: Iterable[Wait]) -> tuple[Wait, ...]:
    """Return as many waits as an answer may hold."""
    return tuple(sorted(waits, key=lambda wait: wait.duration)[-_LIMIT:])
