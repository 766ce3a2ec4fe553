"""An answer as it streams in, and what it cost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from activities.inference.broadcast import begin_answer, show_piece
from activities.inference.events import Piece, parse_piece, read_events
from activities.inference.http_errors import Server
from activities.inference.loops import TAIL_CHARACTERS, is_loop
from activities.inference.protocols import TOOL_CALL, Completion, Message
from activities.inference.refusals import find_refusal
from hydranet.budget import Usage
from hydranet.errors import TransientError

# A server that does not count tokens is taken at this many characters to a token.
CHARACTERS_PER_TOKEN = 4

# Far beyond what any token limit of ours lets a model write.
ANSWER_CHARACTERS = 200_000


@dataclass
class Answer:
    """Collects the pieces of one answer; counts that the server leaves out are estimated.

    `structured` says that the question asks for JSON.
    """

    model: str
    messages: Sequence[Message]
    finish_reason: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    started: float = field(default_factory=time.monotonic)
    waiting: float | None = None
    structured: bool = False
    _pieces: list[str] = field(default_factory=list)
    _arguments: list[str] = field(default_factory=list)
    _characters: int = 0
    _tail: str = ""

    @property
    def full(self) -> bool:
        """Whether more has come than any caller asked for, or the same over and over: what follows is not read."""
        return self._characters > ANSWER_CHARACTERS or is_loop(self._tail)

    @property
    def asked_characters(self) -> int:
        """The length of the question."""
        return sum(len(message["content"]) for message in self.messages)

    def add(self, piece: Piece) -> None:
        """Take what has come; thoughts that a server keeps apart are no part of the answer."""
        if self.waiting is None and (piece.text or piece.thoughts or piece.arguments):
            self.waiting = time.monotonic() - self.started
        if piece.text:
            self._pieces.append(piece.text)
            self._tail = (self._tail + piece.text)[-TAIL_CHARACTERS:]
        if piece.arguments:
            self._arguments.append(piece.arguments)
        self._characters += len(piece.text) + len(piece.arguments)
        self.finish_reason = self.finish_reason or piece.finish_reason
        self.prompt_tokens = piece.prompt_tokens or self.prompt_tokens
        self.cached_tokens = piece.cached_tokens or self.cached_tokens
        self.output_tokens = piece.output_tokens or self.output_tokens

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
        pieces = len(self._pieces) + len(self._arguments)
        prompt, output = self.prompt_tokens or estimated, self.output_tokens or pieces
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
        text, reason = "".join(self._pieces), self.finish_reason or "length"
        if self._arguments and not text.strip():
            text = _read_tool_call("".join(self._arguments), structured=self.structured)
            reason = reason if reason == "length" else TOOL_CALL
        return Completion(text, usage, reason)


def _read_tool_call(arguments: str, *, structured: bool) -> str:
    """Return the answer in a tool call: its arguments where JSON was asked for, else the longest text among them."""
    if structured:
        return arguments
    try:
        values = json.loads(arguments)
    except (ValueError, RecursionError):
        return ""
    texts = [value for value in values.values() if isinstance(value, str)] if isinstance(values, dict) else []
    return max(texts, key=len, default="")


async def read_answer(server: Server, client: httpx.AsyncClient, path: str, body: Any, answer: Answer) -> None:
    """Have `answer` collect what the server answers to `body`; TransientError when it ends in the middle."""
    begin_answer()
    async with (
        aclosing(server.paced(_read_lines(client, f"{server.address}{path}", body))) as lines,
        aclosing(read_events(lines)) as events,
    ):
        async for event in events:
            if refusal := find_refusal(event):
                raise server.explain(refusal)
            piece = parse_piece(event)
            answer.add(piece)
            show_piece(piece)
            if answer.full:
                return
    if not answer.finish_reason:
        raise TransientError(f"{server.address} ended its answer in the middle.")


async def _read_lines(client: httpx.AsyncClient, url: str, body: Any) -> AsyncGenerator[bytes, None]:
    # httpx also splits lines at characters that JSON may hold as they are, such as U+2028.
    rest = b""
    async with client.stream("POST", url, json=body) as response:
        async for chunk in response.aiter_bytes():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line
    yield rest
