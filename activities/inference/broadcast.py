"""Model calls under way, token by token, to whoever watches their run.

What a model streams passes by PostgreSQL's NOTIFY, in no history and no table. Where nobody watches it is dropped, and
a database that is slow or away costs what could be shown, never the call.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from activities.artifacts.run_watches import Watch, find_watches, send_messages
from activities.background import run_beside
from activities.inference.addresses import hide_login
from hydranet.bounded_models import NAME_CHARACTERS
from hydranet.live_call import LiveKeys, LiveMessage, LivePart, SealedChannel
from hydranet.text.escaping import clean_text

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from activities.inference.events import Piece

# So often is sent what has come, which bounds the messages of a call to five a second.
_SEND_SECONDS = 0.2
# So often it is asked who watches, while calls are under way.
_ASK_SECONDS = 2.0
# After the database did not answer.
_REST_SECONDS = 5.0
# What is kept of a call until it is sent, and for who joins later.
_CHARACTERS = 4_000

_current: ContextVar[LiveCall | None] = ContextVar("live_call", default=None)
_logger = logging.getLogger(__name__)


class LiveCall:
    """A step of a run that may ask a model, several times one after the other, and what has come but was not sent."""

    def __init__(self, run_id: str, purpose: str, branch: int | None, attempt: int | None, model: str) -> None:
        self.run_id = run_id
        self.ended = False
        self._facts = {"call": uuid.uuid4().hex, "purpose": purpose, "branch": branch, "attempt": attempt}
        self._model = hide_login(model)[:NAME_CHARACTERS]
        self._began = time.monotonic()
        self._number = 0
        self._answers = 0
        self._pieces = 0
        self._skipped = 0
        self._parts: deque[tuple[bool, str]] = deque()
        self._length = 0
        self._unsent = 0
        self._joins = 0

    def begin_answer(self) -> None:
        """Tell a further answer apart from the one before."""
        self._answers += 1
        if self._answers > 1:
            self._add("\n\n", is_thought=False)

    def add(self, piece: Piece) -> None:
        """Take what has come."""
        if text := piece.text or piece.arguments:
            self._add(text, is_thought=False)
        if piece.thoughts:
            self._add(piece.thoughts, is_thought=True)
        self._pieces += bool(text or piece.thoughts)

    def take(self, joins: int = 0) -> LiveMessage | None:
        """Return what was not sent and count it as sent, None where there is nothing new.

        It is all that is kept when somebody joined: `joins` is the number of the watch.
        """
        whole, self._joins = joins != self._joins, joins
        if not (self._unsent or whole or self.ended):
            return None
        self._number += 1
        parts = list(self._parts) if whole else list(self._parts)[len(self._parts) - self._unsent :]
        skipped, self._unsent, self._skipped = self._skipped, 0, 0
        merged: list[LivePart] = []
        for is_thought, text in parts:
            if merged and merged[-1].is_thought == is_thought:
                text = merged.pop().text + text
            merged.append(LivePart(text=clean_text(text), is_thought=is_thought))
        return LiveMessage(
            **self._facts,
            number=self._number,
            model=self._model,
            parts=tuple(merged[-200:]),
            pieces=self._pieces,
            seconds=round(time.monotonic() - self._began, 1),
            skipped=skipped,
            whole=whole,
            done=self.ended,
        )

    def _add(self, text: str, *, is_thought: bool) -> None:
        self._parts.append((is_thought, text[-_CHARACTERS:]))
        self._length += len(self._parts[-1][1])
        self._unsent += 1
        while self._length > _CHARACTERS:
            length = len(self._parts.popleft()[1])
            self._length -= length
            if self._unsent > len(self._parts):
                self._unsent = len(self._parts)
                self._skipped += length


def begin_answer() -> None:
    """Say that the activity's model begins to answer."""
    if (call := _current.get()) is not None:
        call.begin_answer()


def show_piece(piece: Piece) -> None:
    """Pass on what the activity's model has streamed."""
    if (call := _current.get()) is not None:
        call.add(piece)


class Broadcaster:
    """The model calls of this process, sent to those who watch their runs."""

    def __init__(self, pool: AsyncConnectionPool, keys: LiveKeys) -> None:
        self._pool = pool
        self._keys = keys
        self._calls: list[LiveCall] = []
        self._watches: dict[str, Watch] = {}
        self._asked: set[str] = set()
        self._ask_again = 0.0
        self._began = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Broadcaster]:
        """Send until the block is left."""
        async with run_beside(self._keep_sending()):
            yield self

    @contextmanager
    def show(self, run_id: str, purpose: str, branch: int | None, attempt: int | None, model: str) -> Iterator[None]:
        """Show what models stream in the block, in this task."""
        call = LiveCall(run_id, purpose, branch, attempt, model)
        self._calls.append(call)
        self._began.set()
        token = _current.set(call)
        try:
            yield
        finally:
            _current.reset(token)
            call.ended = True

    async def _keep_sending(self) -> None:
        rest = 0.0
        while True:
            if not self._calls:
                self._began.clear()
                await self._began.wait()
            await asyncio.sleep(_SEND_SECONDS + rest)
            rest = 0.0
            try:
                await self._send()
            except Exception as error:
                # Whatever it is, it concerns a look at a run, and not the run.
                _logger.debug("What models answer is not shown for now: %r", error)
                rest = _REST_SECONDS
            # Also of what could not be sent: who watches sees the next call.
            self._calls = [call for call in self._calls if not call.ended]

    async def _send(self) -> None:
        runs = {call.run_id for call in self._calls}
        if not runs <= self._asked or time.monotonic() > self._ask_again:
            self._watches = await find_watches(self._pool, sorted(runs))
            self._asked, self._ask_again = runs, time.monotonic() + _ASK_SECONDS
        messages = []
        for call in self._calls:
            watch = self._watches.get(call.run_id)
            if watch is not None and (message := call.take(watch.joins)) is not None:
                messages.append((watch.channel, SealedChannel(watch.channel, self._keys).write(message)))
        if messages:
            await send_messages(self._pool, messages)
