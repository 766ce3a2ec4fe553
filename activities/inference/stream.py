"""An answer as it streams in, and what it cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from activities.inference.protocols import Completion, Message
from hydranet.budget import Usage
from hydranet.errors import TransientError

# A server that does not count tokens is taken at this many characters to a token.
CHARACTERS_PER_TOKEN = 4

# Far beyond what any token limit of ours lets a model write.
ANSWER_CHARACTERS = 200_000


@dataclass
class Answer:
    """Collects the pieces of one answer; counts that the server leaves out are estimated."""

    model: str
    messages: Sequence[Message]
    finish_reason: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    started: float = field(default_factory=time.monotonic)
    waiting: float | None = None
    _pieces: list[str] = field(default_factory=list)
    _characters: int = 0

    @property
    def full(self) -> bool:
        """Whether more has come than any caller asked for: what follows is not read."""
        return self._characters > ANSWER_CHARACTERS

    @property
    def asked_characters(self) -> int:
        """The length of the question."""
        return sum(len(message["content"]) for message in self.messages)

    def add(self, piece: str, thoughts: str = "") -> None:
        """Take what has come; `thoughts` that a server keeps apart are no part of the answer."""
        if self.waiting is None and (piece or thoughts):
            self.waiting = time.monotonic() - self.started
        if piece:
            self._pieces.append(piece)
            self._characters += len(piece)

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        """Stop reading after `seconds`; what has come by then is the answer, TransientError if nothing has."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            if self.waiting is None:
                raise TransientError(f"The model {self.model} took longer than {seconds:g} seconds.") from None

    def completion(self) -> Completion:
        """Return the whole answer; one that was never finished counts as cut off."""
        estimated = self.asked_characters // CHARACTERS_PER_TOKEN
        prompt, output = self.prompt_tokens or estimated, self.output_tokens or len(self._pieces)
        seconds = time.monotonic() - self.started
        usage = Usage(
            model=self.model,
            calls=1,
            prompt_tokens=prompt,
            cached_tokens=self.cached_tokens,
            output_tokens=output,
            seconds=round(seconds, 3),
            waiting=round(seconds if self.waiting is None else self.waiting, 3),
            context=prompt + output,
        )
        return Completion("".join(self._pieces), usage, self.finish_reason or "length")
