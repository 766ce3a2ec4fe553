"""What a chat model is to its callers: messages in, text out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from hydranet.budget import Usage
from hydranet.text.escaping import clean_text

Purpose = Literal["strategies", "rank", "plan", "implement", "reflect", "reproduce", "vote", "critique"]


TOOL_CALL = "tool call"
"""The finish reason of an answer that is only a tool call."""

Message = dict[str, str]
"""One message of a chat: `role` (system, user or assistant) and `content`."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """What a completion is for, by which a scripted model answers.

    `sample` counts the completions of one step.
    """

    purpose: Purpose
    branch: int | None = None
    attempt: int | None = None
    round: int | None = None
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer; `finish_reason` is "stop", "length" when it was cut off, or `TOOL_CALL`.

    Neither holds a NUL or a lone surrogate, whatever the server sent.
    """

    text: str
    usage: Usage
    finish_reason: str = "stop"

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clean_text(self.text))
        object.__setattr__(self, "finish_reason", clean_text(self.finish_reason)[:40])


@dataclass(frozen=True, slots=True)
class Description:
    """What answers as a model; None where the server does not tell.

    `context` is in tokens; `size` is the memory that the loaded model takes in bytes, of which `vram` on the GPU.
    `warning` is a sentence about a model that answers, but not to what it is asked.
    """

    name: str
    address: str
    kind: str = ""
    context: int | None = None
    loaded: bool | None = None
    size: int | None = None
    vram: int | None = None
    warning: str = ""

    @property
    def facts(self) -> str:
        """Kind and context, as far as they are known."""
        return ", ".join(fact for fact in (self.kind, f"context {self.context}" if self.context else "") if fact)

    def __str__(self) -> str:
        return f"{self.name}{f' ({self.facts})' if self.facts else ''} at {self.address}"


class ChatClient(Protocol):
    """One model at one server. It never tries again by itself: that is Temporal's part."""

    async def complete(
        self,
        call: ModelCall,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None,
        temperature: float,
        seed: int,
        max_tokens: int,
    ) -> Completion:
        """Return the model's answer, constrained to the JSON `schema` if one is given and the server can.

        Raises TransientError when the server cannot answer now, FatalError when it never will, and
        ContextOverflowError when the prompt is longer than the model's context.
        """
        ...

    async def warm_up(self) -> None:
        """Have the model loaded, where the server loads models when they are asked; the errors of `complete`."""
        ...

    async def describe(self) -> Description:
        """Return what answers; the errors of `complete` when nothing does or it lacks the model."""
        ...


@runtime_checkable
class EmbeddingClient(Protocol):
    """One model at one server that turns texts into vectors. It never tries again by itself either."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text, all of the same length; the errors of a chat client."""
        ...
