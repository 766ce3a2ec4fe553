"""A pool of recorded draws: answers of a model for known bugs, each tested, at right places and at others."""

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hydranet.allocation import DrawOutcome
from hydranet.convergence.error_signature import ErrorSignature
from hydranet.convergence.score import Attempt
from hydranet.errors import UsageError
from hydranet.patches import Patch, make_diff, parse_diff

CHARACTERS_PER_TOKEN = 4
"""The pool counts the tokens of answers only; this is usual for prompts of English and code."""

_OUTCOMES = {
    "passes": None,
    "fail": DrawOutcome.FAILS,
    "timeout": DrawOutcome.FAILS,
    "unchanged": DrawOutcome.UNCHANGED,
    "syntax": DrawOutcome.UNUSABLE,
    "nocode": DrawOutcome.UNUSABLE,
    "no such function in the answer": DrawOutcome.UNUSABLE,
    "target passes, another test of its files fails": DrawOutcome.PARTIAL,
}
_FENCE = re.compile(r"```(?:\w*)\n(.*?)(?:```|\Z)", re.DOTALL)
# The pool has no test output. What fails is taken to fail as before, which makes circling look worse than it is.
_SAME_ERROR = ErrorSignature(type="AssertionError", message="the target fails as before")
_OTHER_ERROR = ErrorSignature(type="AssertionError", message="another test fails")


@dataclass(frozen=True)
class Draw:
    """One answer: what became of it (None when it passes), its tokens with the prompt's, and its code."""

    outcome: DrawOutcome | None
    tokens: int
    code: str
    original: str
    file: str
    line: int

    @property
    def passes(self) -> bool:
        """Whether the bug's failing tests and all others of their files pass."""
        return self.outcome is None

    @cached_property
    def facts(self) -> Attempt:
        """What convergence is computed from. An answer that is not tested leaves an attempt without a patch."""
        if self.outcome in (DrawOutcome.UNCHANGED, DrawOutcome.UNUSABLE):
            return Attempt()
        error = _OTHER_ERROR if self.outcome is DrawOutcome.PARTIAL else _SAME_ERROR
        return Attempt(patch=self._patch, error=error, failing_tests=(error.message,), failing_count=1)

    @property
    def _patch(self) -> Patch:
        above = "\n" * (self.line - 1)
        indent = self.original[: len(self.original) - len(self.original.lstrip())]
        answer = textwrap.indent(textwrap.dedent(self.code), indent)
        return parse_diff(make_diff(self.file, above + self.original.rstrip() + "\n", above + answer.rstrip() + "\n"))


@dataclass(frozen=True)
class Place:
    """A function of a bug's program, and the draws made at it. `rank` is None beyond the ranks of the pool."""

    bug: str
    name: str
    lines: int
    right: bool
    rank: int | None
    draws: tuple[Draw, ...]


def read_pool(folder: Path) -> dict[str, list[Place]]:
    """Return the places of each bug, from `draws.jsonl` and the prompts in `requests.jsonl`."""
    try:
        prompts = {row["id"]: row["messages"] for row in _read_lines(folder / "requests.jsonl")}
        rows = list(_read_lines(folder / "draws.jsonl"))
        places: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            keys = ("instance", "file", "symbol", "first_line", "last_line")
            places.setdefault("|".join(str(row[key]) for key in keys), []).append(row)
        bugs: dict[str, list[Place]] = {}
        for name, own in places.items():
            bugs.setdefault(own[0]["instance"], []).append(_make_place(name, own, prompts[name]))
        if not any(place.right for own in bugs.values() for place in own):
            raise ValueError("no draw at a right place")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{folder} is no pool of draws: give a folder with draws.jsonl and requests.jsonl ({error!r})."
        ) from None
    return bugs


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in path.read_text().splitlines())


def _make_place(name: str, rows: list[dict[str, Any]], messages: list[dict[str, str]]) -> Place:
    prompt = sum(len(message["content"]) for message in messages) // CHARACTERS_PER_TOKEN
    original = _FENCE.findall(messages[-1]["content"])[-1]
    first = rows[0]
    draws = tuple(
        Draw(
            outcome=_OUTCOMES[row["outcome"]],
            tokens=prompt + row["tokens"],
            code=(_FENCE.findall(row["text"]) or [row["text"]])[0],
            original=original,
            file=first["file"],
            line=first["first_line"],
        )
        for row in sorted(rows, key=lambda row: row["draw"])
    )
    lines = first["last_line"] - first["first_line"] + 1
    return Place(first["instance"], name, lines, first["right_place"], first["retrieval_rank"], draws)
