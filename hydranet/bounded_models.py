"""Bounded models: everything that may cross a task queue has a largest size.

An oversized activity argument (2 MB) hangs a workflow without a word, so every string and every
collection of a bounded model carries a maximum. Every string is clean too: a NUL or a lone surrogate, which PostgreSQL
and JSON refuse, is replaced where it enters. `tests/unit/test_contracts.py` walks them all.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from hydranet.text.escaping import clean_text
from hydranet.text.truncation import keep_end, keep_start


def _clean(value: Any) -> Any:
    return clean_text(value) if isinstance(value, str) else value


CLEAN = BeforeValidator(_clean)
"""Replaces what no database holds. What constrains the string stands behind it, or the whole string is refused."""


def _cut(keep: Callable[[str, int], str], limit: int) -> BeforeValidator:
    def cut(value: Any) -> Any:
        return keep(clean_text(value), limit) if isinstance(value, str) else value

    return BeforeValidator(cut)


class BoundedModel(BaseModel):
    """A frozen model that refuses unknown fields and fits into a task queue."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


NAME_CHARACTERS = 200

Name = Annotated[str, CLEAN, StringConstraints(max_length=NAME_CHARACTERS)]
"""An identifier or a path: refused when longer than 200 characters."""

PATH_CHARACTERS = 1000

FilePath = Annotated[str, CLEAN, StringConstraints(max_length=PATH_CHARACTERS)]
"""The path of a file in a repository: refused when longer than 1,000 characters, as in a patch."""

Line = Annotated[str, _cut(keep_start, 300), StringConstraints(max_length=300)]
"""A sentence for people: clipped at 300 characters."""

Note = Annotated[str, _cut(keep_start, 1500), StringConstraints(max_length=1500)]
"""A paragraph for people or models: clipped at 1,500 characters."""

Sender = Annotated[str, _cut(keep_start, 100), StringConstraints(max_length=100)]
"""Who sent a message, user@host as the sender states it: clipped at 100 characters."""

TESTS = 24
"""How many test ids cross a task queue at most; a count always goes with them."""


Tail = Annotated[str, _cut(keep_end, 800), StringConstraints(max_length=800)]
"""The end of an output: cut at its beginning to 800 characters."""

Text = Annotated[str, CLEAN, StringConstraints(max_length=20_000)]
"""What a program printed: refused when longer than 20,000 characters."""

ISSUE_CHARACTERS = 65_536
"""As many as the usual trackers take."""

Issue = Annotated[str, CLEAN, StringConstraints(max_length=ISSUE_CHARACTERS)]
"""What a user wrote: refused when longer. Prompts take what fits of it."""
