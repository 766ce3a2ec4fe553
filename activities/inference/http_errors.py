"""A model server as its clients see it: how it fails and how long it may be silent."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from activities.inference.addresses import find_origin
from activities.inference.bounded_response import ACCEPT, bound_response
from hydranet.errors import FatalError, HydraError, TransientError
from hydranet.settings import ModelSettings

T = TypeVar("T")

# Of an error's body, what a sentence is looked for in; and the longest date that a header has is shorter.
_BODY_BYTES = 65_536
_HEADER_CHARACTERS = 100

_CONNECT_SECONDS = 10.0

# How servers say that a prompt is too long: llama.cpp, vLLM and Ollama, OpenAI, LM Studio.
_TOO_LONG = ("exceeds the available context", "context length", "context_length_exceeded", "n_ctx")

# After these httpx would ask the new address with GET and without the question.
_MOVED = (301, 302)
_MOVED_WITH_METHOD = 308

_BUSY = frozenset({408, 409, 425, 429})

# Said by servers that were started without what is asked for, such as embeddings.
_NOT_IMPLEMENTED = 501


class ContextOverflowError(FatalError):
    """The prompt is longer than the model's context: a shorter one may do."""


class RefusedError(FatalError):
    """The server refused the request as it was; `status` is the HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Server:
    """One server; `missing` is the sentence for a model that it does not have, `auth` the key or login for it alone."""

    address: str
    missing: str
    endpoints: ModelSettings
    auth: httpx.Auth | None

    def client_options(self) -> dict[str, Any]:
        """Return how httpx connects: to this server alone, also where it redirects."""
        origin = find_origin(self.address)
        return {
            "auth": self.auth,
            "timeout": httpx.Timeout(None, connect=_CONNECT_SECONDS),
            "headers": ACCEPT,
            "follow_redirects": True,
            "event_hooks": {"request": [self.check_request], "response": [self.check]},
            # HTTP_PROXY and the like are for other machines.
            "mounts": {f"all://{origin.bracketed_host}": None} if origin.is_loopback else None,
        }

    async def check_request(self, request: httpx.Request) -> None:
        """Raise FatalError for a request to any other server; a request hook, also called for redirects."""
        origin = find_origin(request.url)
        if origin != find_origin(self.address):
            raise FatalError(
                f"{self.address} redirects to {str(origin)[:200]}, where nothing is sent: correct the address, or have "
                "that server answer itself."
            )
        if self.auth is None:
            # Ollama's client sends OLLAMA_API_KEY, whichever server it is for.
            request.headers.pop("authorization", None)

    async def check(self, response: httpx.Response) -> None:
        """Bound a response, and raise the error that it stands for; a response hook of httpx."""
        bound_response(response, self.address)
        if response.status_code in _MOVED and response.has_redirect_location:
            response.status_code = _MOVED_WITH_METHOD
        if response.status_code >= 400:
            delay = parse_retry_after(response.headers.get("retry-after"))
            raise self.refusal(response.status_code, await _read_start(response), delay)

    def refusal(self, status: int, body: str, delay: float | None = None) -> HydraError:
        """Return the error that an HTTP status and a body stand for; the body may also come in a stream."""
        answer = " ".join(body[:_BODY_BYTES].split())[:200]
        lowered = body.lower()
        if any(phrase in lowered for phrase in _TOO_LONG):
            return self.overflow()
        if status in (401, 403):
            return FatalError(f"{self.address} refuses access (HTTP {status}); set the API key: {answer}")
        if status == 404:
            return FatalError(self.missing)
        if "more system memory" in lowered:
            return FatalError(f"{self.address} has too little memory for the model: {answer}")
        if status in _BUSY or (status >= 500 and status != _NOT_IMPLEMENTED):
            return TransientError(f"{self.address} is busy or failing (HTTP {status}): {answer}", delay)
        return RefusedError(f"{self.address} refuses the request (HTTP {status}): {answer}", status)

    def overflow(self) -> ContextOverflowError:
        """Return the error for a prompt that is longer than the model's context."""
        return ContextOverflowError(f"The prompt does not fit into the context of the model at {self.address}.")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turn what goes wrong between us and the server into transient errors."""
        try:
            yield
        except httpx.TimeoutException:
            raise TransientError(f"{self.address} does not answer in time.") from None
        except (httpx.HTTPError, httpx.StreamError, ConnectionError) as error:
            raise TransientError(f"The connection to {self.address} failed: {error or type(error).__name__}") from None
        except (ValueError, RecursionError, TypeError, AttributeError) as error:
            # The last two are what Ollama's client raises for JSON of another form.
            raise TransientError(f"{self.address} sent what is not an answer: {str(error)[:200]}") from None

    async def paced(self, chunks: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """Yield the chunks of a stream, which is closed at the end; TransientError after too long a silence."""
        # Before the first token the server may load the model and has the whole prompt to read.
        patience = max(self.endpoints.token_gap, self.endpoints.total / 2)
        async with aclosing(chunks):
            while True:
                try:
                    async with asyncio.timeout(patience):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise TransientError(f"{self.address} was silent for {patience:g} seconds.") from None
                yield chunk
                patience = self.endpoints.token_gap


async def _read_start(response: httpx.Response) -> str:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _BODY_BYTES:
            break
    return body[:_BODY_BYTES].decode(errors="replace")


def parse_retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or a date; None without a usable one."""
    if header is None or len(header) > _HEADER_CHARACTERS:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), 3600.0) if math.isfinite(seconds) else None
