"""The backend "scripted": answers from a file, written by hand or recorded, instead of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from activities.inference.protocols import Completion, Description, Message, ModelCall, Purpose
from hydranet.budget import Usage
from hydranet.errors import UsageError
from hydranet.invalid_values import explain_field


class ScriptedExchange(BaseModel):
    """One answer of a step that asks the model more than once; `sample` counts them from 0."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sample: int = 0
    answer: str = ""
    finish_reason: str = "stop"
    usage: Usage = Usage()


class ScriptLine(BaseModel):
    """What the model answers in one step and the steps this is for; a number that is not given fits any.

    Written by hand it has one `answer`, a text or an object. The transcript of a real step is such a
    line too, with `exchanges`, so that a run can be played again from its transcripts.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    purpose: Purpose
    branch: int | None = None
    attempt: int | None = None
    round: int | None = None
    answer: str | dict[str, Any] | list[Any] = ""
    exchanges: tuple[ScriptedExchange, ...] = ()

    def said(self, call: ModelCall) -> ScriptedExchange:
        """Return what the line answers to `call`."""
        if self.exchanges:
            return next((exchange for exchange in self.exchanges if exchange.sample == call.sample), ScriptedExchange())
        text = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        return ScriptedExchange(answer=text)

    def fits(self, call: ModelCall) -> bool:
        """Return whether the line answers `call`."""
        return self.purpose == call.purpose and all(
            own in (None, asked)
            for own, asked in (
                (self.branch, call.branch),
                (self.attempt, call.attempt),
                (self.round, call.round),
            )
        )

    @property
    def numbers(self) -> int:
        """How many numbers the line gives: the more, the more specific it is."""
        return sum(number is not None for number in (self.branch, self.attempt, self.round))


class ScriptedClient:
    """A model that says what the JSON lines of `path` say.

    The answer to a call is chosen by its purpose and numbers, never by the order of calls, so that a
    call that is made again gets the same answer: the most specific line that fits, of equals the
    first, else nothing. UsageError when the file cannot be read or a line is not a `ScriptLine`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = read_script(path)

    async def warm_up(self) -> None:
        """Nothing: there is nothing to load."""

    async def describe(self) -> Description:
        """Return the file and how many answers it holds."""
        return Description(f"{len(self._lines)} scripted answers", str(self._path))

    async def complete(
        self,
        call: ModelCall,
        messages: Sequence[Message],  # noqa: ARG002
        *,
        schema: Mapping[str, Any] | None,  # noqa: ARG002
        temperature: float,  # noqa: ARG002
        seed: int,  # noqa: ARG002
        max_tokens: int,  # noqa: ARG002
    ) -> Completion:
        """Return the answer of the line that fits best, an empty one when none does."""
        line = max((line for line in self._lines if line.fits(call)), key=lambda line: line.numbers, default=None)
        exchange = ScriptedExchange() if line is None else line.said(call)
        usage = exchange.usage.model_copy(update={"model": "scripted", "calls": 1})
        return Completion(exchange.answer, usage, exchange.finish_reason)


def read_script(path: Path) -> list[ScriptLine]:
    """Return the lines of a script; blank ones are skipped."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The script {path} cannot be read: {error}") from None
    script = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            script.append(ScriptLine.model_validate_json(line))
        except ValidationError as error:
            raise UsageError(f"{path} line {number} is not a scripted answer: {explain_field(error)}.") from None
    return script
