"""A model server as its clients see it: how it fails and how long it may be silent."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from typing import Any, TypeVar

import httpx

from activities.inference.addresses import find_origin
from activities.inference.bounded_response import ACCEPT, bound_response
from activities.inference.refusals import Refusal, find_refusal, read_refusal
from hydranet.errors import FatalError, HydraError, TransientError
from hydranet.settings import ModelSettings

T = TypeVar("T")

# Of an error's body, what a sentence is looked for in; and the longest date that a header has is shorter.
_BODY_BYTES = 65_536
_HEADER_CHARACTERS = 100

_CONNECT_SECONDS = 10.0

# After these httpx would ask the new address with GET and without the question.
_MOVED = (301, 302)
_MOVED_WITH_METHOD = 308

_TOO_LARGE = 413

# In the words of OpenSSL. Other errors of TLS pass, such as that of a server that ends.
NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "CERTIFICATE_VERIFY_FAILED")

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

    def connect(self) -> httpx.AsyncClient:
        """Return a client of this server alone, also where it redirects; FatalError where the proxy is unusable."""
        try:
            return httpx.AsyncClient(
                auth=self.auth,
                timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
                headers=ACCEPT,
                follow_redirects=True,
                event_hooks={"request": [self.check_request], "response": [self.check]},
                # HTTP_PROXY and the like are for other machines. A transport of its own makes httpx ignore them.
                transport=httpx.AsyncHTTPTransport() if find_origin(self.address).is_local else None,
            )
        except (ImportError, ValueError, httpx.InvalidURL):
            raise FatalError(
                f"The proxy of the environment cannot be used to reach {self.address}: have HTTP_PROXY, HTTPS_PROXY "
                "and ALL_PROXY name an http:// proxy, or unset them."
            ) from None

    async def check_request(self, request: httpx.Request) -> None:
        """Raise FatalError for a request to any other server; a request hook, also called for redirects."""
        origin = find_origin(request.url)
        if origin != find_origin(self.address):
            raise FatalError(
                f"{self.address} redirects to {str(origin)[:200]}, where nothing is sent: correct the address, or have "
                "that server answer itself."
            )

    async def check(self, response: httpx.Response) -> None:
        """Bound a response, and raise the error that it stands for; a response hook of httpx."""
        bound_response(response, self.address)
        if response.status_code in _MOVED and response.has_redirect_location:
            response.status_code = _MOVED_WITH_METHOD
        if response.status_code >= 300 and not response.has_redirect_location:
            delay = parse_retry_after(response.headers.get("retry-after"))
            refusal = read_refusal(response.status_code, await _read_start(response))
            raise self.explain(refusal, delay)
        if response.is_success and response.headers.get("content-type", "").startswith("text/html"):
            # A network that wants a login answers for every server, and a gateway for one that is away.
            words = read_refusal(response.status_code, await _read_start(response)).words
            raise TransientError(
                f"{self.address} answers with a web page, as no model does ({words}): sign in to the network, or "
                "correct the address."
            )

    async def fetch(self, client: httpx.AsyncClient, path: str, body: Any = None) -> dict[str, Any]:
        """Return the document at a path of the server, which is asked with `body`."""
        url = f"{self.address}{path}"
        response = await (client.get(url) if body is None else client.post(url, json=body))
        document = response.json()
        if not isinstance(document, dict):
            raise ValueError("it is no JSON object")
        if refusal := find_refusal(document):
            raise self.explain(refusal)
        return document

    def explain(self, refusal: Refusal, delay: float | None = None) -> HydraError:
        """Return the error that a refusal stands for, whether it came as an HTTP error or instead of an answer."""
        words, status = refusal.words, refusal.meaning
        number = f" (HTTP {refusal.status})" if refusal.status else ""
        if refusal.is_too_long or status == _TOO_LARGE:
            return self.overflow()
        if status in (401, 403):
            return FatalError(f"{self.address} refuses access{number}; set the API key: {words}")
        if status == 404:
            return FatalError(f"{self.missing} The server says: {words or 'not found'}")
        if "more system memory" in words.lower():
            return FatalError(f"{self.address} has too little memory for the model: {words}")
        temporary = status in _BUSY or (status >= 500 and status != _NOT_IMPLEMENTED)
        if temporary and not (delay is None and refusal.is_unpaid):
            return TransientError(f"{self.address} is busy or failing{number}: {words}", delay)
        return RefusedError(f"{self.address} refuses the request{number}: {words}", status)

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
            if any(sign in str(error) for sign in NO_TLS):
                raise FatalError(
                    f"The server at {self.address} does not speak TLS, or has a certificate that is not trusted: write "
                    "http:// if it has no TLS, else have SSL_CERT_FILE name its certificate."
                ) from None
            raise TransientError(f"The connection to {self.address} failed: {error or type(error).__name__}") from None
        except JSONDecodeError:
            raise TransientError(f"{self.address} sent what is not an answer: it is no JSON.") from None
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
            raise TransientError(f"{self.address} sent what is not an answer: {reason}.") from None

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
