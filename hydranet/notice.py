"""A notice: what a person is told of a run or a node, wherever they are."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from hydranet.bounded_models import BoundedModel, Line, Name, Note
from hydranet.person_wait import Diff

_ID_CHARACTERS = 24


class NoticeKind(StrEnum):
    """What a notice tells; the names are those that settings list."""

    WAITING = "waiting"
    ENDED = "ended"
    REAPED = "reaped"
    BUDGET = "budget"
    NODE_LOST = "node-lost"
    NO_WORKER = "no-worker"
    TEST = "test"


EVENTS = tuple(kind for kind in NoticeKind if kind is not NoticeKind.TEST)
"""What settings may ask to be told of."""


class NoticeFact(BoundedModel):
    """A label and a text."""

    label: Name
    text: Note


class Notice(BoundedModel):
    """What happened, of which a repeated delivery has the same `id`.

    `subject` is in our own words and ids alone: the run, the node, the queue. Title, text, facts and diff may have
    words of a repository or a model. `commands` are what a person can type.
    """

    id: Name
    kind: NoticeKind
    at: datetime
    subject: Name
    title: Line
    text: Note = ""
    run: Name = ""
    repository: Name = ""
    facts: Annotated[tuple[NoticeFact, ...], Field(max_length=60)] = ()
    commands: Annotated[tuple[Line, ...], Field(max_length=8)] = ()
    diff: Diff = ""


def make_notice_id(*parts: object) -> str:
    """Return the id of what these parts name, the same each time."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:_ID_CHARACTERS]
