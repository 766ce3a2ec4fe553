"""What passes from a model call that is under way to whoever watches its run."""

from __future__ import annotations

import base64
from typing import Annotated, NamedTuple, Protocol

from pydantic import Field, StringConstraints, ValidationError

from hydranet.bounded_models import CLEAN, BoundedModel, Name
from hydranet.errors import UsageError

ROLE = "inference"
"""The role whose key seals it: the nodes of other roles cannot read it, nor pretend to be a model."""

# PostgreSQL takes messages of fewer than 8,000 bytes: in base64 it is a third longer, and a key's id stands before it.
_JSON_BYTES = 5_700
# So that what was sealed for this is nothing else, nor for the watchers of another time or run.
_CONTEXT = b"hydranet live call 1 "


class LivePart(BoundedModel):
    """Text that a model has streamed, as a part of its answer or as a thought."""

    text: Annotated[str, CLEAN, StringConstraints(max_length=10_000)]
    is_thought: bool = False


class LiveMessage(BoundedModel):
    """What a model call has streamed since the last message; `number` counts the messages of a `call` from 1.

    `pieces` is how many pieces have come in all, about one a token, in `seconds`; `skipped` how many characters were
    left out before these. A message for those who joined late has the `whole` call, in place of what others have of it.
    The last message of a call is `done`.
    """

    call: Name
    number: int
    purpose: Name
    branch: int | None = None
    attempt: int | None = None
    model: Name = ""
    parts: Annotated[tuple[LivePart, ...], Field(max_length=200)] = ()
    pieces: int = 0
    seconds: float = 0.0
    skipped: int = 0
    whole: bool = False
    done: bool = False


class LiveKeys(Protocol):
    """The key ring, of which the key of the role counts."""

    def seal(self, data: bytes, context: bytes, role: str) -> tuple[bytes, bytes]:
        """Return the id of the key, and what it makes of the data."""
        ...

    def open(self, key: bytes, sealed: bytes, context: bytes, role: str) -> bytes | None:
        """Return the data, None where no key of the role sealed it; UsageError where the key is not there."""
        ...


class SealedChannel(NamedTuple):
    """A channel of the database, whose messages are sealed for it alone."""

    name: str
    keys: LiveKeys

    def write(self, message: LiveMessage) -> str:
        """Return the message as PostgreSQL takes it; of what is too long, the end."""
        data = message.model_dump_json(exclude_defaults=True).encode()
        while len(data) > _JSON_BYTES:
            message = cut_message(message)
            data = message.model_dump_json(exclude_defaults=True).encode()
        key, sealed = self.keys.seal(data, _CONTEXT + self.name.encode(), ROLE)
        return f"{key.decode()} {base64.b64encode(sealed).decode()}"

    def read(self, text: str) -> LiveMessage | None:
        """Return what a message says, None where no model's node wrote it for this channel."""
        key, _, sealed = text.partition(" ")
        try:
            data = self.keys.open(key.encode(), base64.b64decode(sealed), _CONTEXT + self.name.encode(), ROLE)
            return None if data is None else LiveMessage.model_validate_json(data)
        except (UsageError, ValidationError, ValueError):
            return None


def cut_message(message: LiveMessage) -> LiveMessage:
    """Return a message with about half of its text, the end."""
    if len(message.parts) > 1:
        left = message.parts[: len(message.parts) // 2]
        parts, skipped = message.parts[len(left) :], sum(len(part.text) for part in left)
    elif message.parts:
        part = message.parts[0]
        skipped = (len(part.text) + 1) // 2
        parts = (part.model_copy(update={"text": part.text[skipped:]}),)
    else:
        raise ValueError("A message without text is too long.")
    return message.model_copy(update={"parts": parts, "skipped": message.skipped + skipped})
