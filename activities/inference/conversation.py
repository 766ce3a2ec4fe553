"""The conversation of one step: questions made of a prompt, answers, and the transcript of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from activities.inference.answers import strip_thoughts
from activities.inference.http_errors import ContextOverflowError
from activities.inference.prompt_context import DEFAULT_ROOM, LEAST_ROOM, PromptContext, Room
from activities.inference.prompts import Prompt, load_prompt
from activities.inference.protocols import ChatClient, Completion, Message, ModelCall, Purpose
from activities.inference.questions import Question
from hydranet.budget import Usage
from hydranet.text.escaping import fence

# What a server sends beyond this has ignored the limit it was given.
_ANSWER_CHARACTERS = 50_000


class Exchange(BaseModel):
    """One question to the model and its answer; without messages the question did not fit its context."""

    model_config = ConfigDict(frozen=True)

    sample: int
    messages: list[Message] = []
    answer: str = ""
    finish_reason: str = "stop"
    usage: Usage = Usage()


class Transcript(BaseModel):
    """The artifact of one step: what was said to the model and what it answered.

    As a line of a script it makes the scripted backend give the same answers again.
    """

    model_config = ConfigDict(frozen=True)

    purpose: Purpose
    branch: int | None
    attempt: int | None
    round: int | None
    model: str
    prompt: str
    exchanges: list[Exchange]


@dataclass
class Conversation:
    """Asks `client` about one view, first with one question; keeps what was said."""

    client: ChatClient
    call: ModelCall
    question: Question
    view: PromptContext
    room: Room = DEFAULT_ROOM
    exchanges: list[Exchange] = field(default_factory=list)

    async def ask(
        self,
        values: dict[str, str],
        *,
        temperature: float,
        seed: int,
        shape: Mapping[str, Any] | None = None,
        question: Question | None = None,
    ) -> Exchange:
        """Return the answer to the prompt filled with the view and `values`, which win; `shape` is its JSON schema.

        It is the conversation's own question unless another is given. It shows less each time that the model's context
        is too small for it.
        """
        question = question or self.question
        for room in (self.room, replace(self.room, code=self.room.code // 3), LEAST_ROOM):
            messages = self.fill(question, values, room)
            try:
                return await self._say(question, messages, temperature, seed, shape)
            except ContextOverflowError:
                continue
        return self._keep(Exchange(sample=len(self.exchanges)))

    def fill(self, question: Question, values: dict[str, str], room: Room) -> list[Message]:
        """Return a question as messages."""
        # A hunk is short, and a question about it means nothing without it.
        focus = () if room is LEAST_ROOM and question.window is None else question.focus
        shown = self.view.values(focus, room)
        context = load_prompt("context").fill(**(shown | values))
        return [
            {"role": "system", "content": load_prompt("system").fill()},
            {"role": "user", "content": question.prompt.fill(context=context, **values, **question.values)},
        ]

    async def correct(self, exchange: Exchange, problem: str, *, temperature: float, seed: int) -> Exchange:
        """Say what is wrong with an answer and return the next; the same one when the context is full."""
        messages = [
            *exchange.messages,
            {"role": "assistant", "content": exchange.answer},
            {"role": "user", "content": load_prompt("correct").fill(problem=fence(problem))},
        ]
        try:
            return await self._say(self.question, messages, temperature, seed, None)
        except ContextOverflowError:
            return exchange

    @property
    def form(self) -> Prompt:
        """The prompt of its first question."""
        return self.question.prompt

    @property
    def usage(self) -> Usage:
        """What all exchanges cost together."""
        return sum((exchange.usage for exchange in self.exchanges), Usage())

    def transcript(self, model: str) -> Transcript:
        """All that was said."""
        return Transcript(
            purpose=self.call.purpose,
            branch=self.call.branch,
            attempt=self.call.attempt,
            round=self.call.round,
            model=model,
            prompt=self.form.id,
            exchanges=self.exchanges,
        )

    async def _say(
        self,
        question: Question,
        messages: list[Message],
        temperature: float,
        seed: int,
        shape: Mapping[str, Any] | None,
    ) -> Exchange:
        sample = len(self.exchanges)
        done = await self.client.complete(
            replace(self.call, sample=sample),
            messages,
            schema=shape,
            temperature=temperature,
            seed=seed + sample,
            max_tokens=question.prompt.max_tokens,
        )
        return self._keep(_exchange(sample, messages, done))

    def _keep(self, exchange: Exchange) -> Exchange:
        self.exchanges.append(exchange)
        return exchange


def _exchange(sample: int, messages: list[Message], done: Completion) -> Exchange:
    return Exchange(
        sample=sample,
        messages=messages,
        answer=strip_thoughts(done.text[:_ANSWER_CHARACTERS]),
        finish_reason=done.finish_reason,
        usage=done.usage,
    )
