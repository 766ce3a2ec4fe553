"""A forge's server: bounded questions and answers, waits for its rate limit, and its refusals as sentences."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import httpx

from activities.forges.addresses import ForgeKind, Project
from activities.forges.tokens import advise, find_token
from activities.inference.addresses import find_origin
from activities.inference.http_errors import NO_TLS, parse_retry_after
from activities.inference.refusals import read_refusal
from hydranet.errors import UsageError

Query = dict[str, str | int]

ANSWER_BYTES = 4_000_000
"""Twenty comments of the usual length limit, with room for what stands around them."""

WAIT_SECONDS = 900.0
"""The longest that a command waits for a rate limit. Limits by the minute end sooner, those by the hour may not."""

REQUEST_SECONDS = 60.0

# Where a server asks to wait and does not say how long.
_PAUSE_SECONDS = 60.0

# No limit lasts longer, and a date much later would be none.
_LONGEST_PAUSE = 86_400.0

# Of what a server says when it refuses, the part in which its words are looked for.
_WORDS_BYTES = 8192

_CONNECT_SECONDS = 10.0
_REDIRECTS = 5

_BUSY = 429
_MISSING = (404, 410)


class ForgeRefusalError(UsageError):
    """A server refused a question as it was; `status` is the HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def words(self) -> str:
        words = read_refusal(self.status, self.body[:_WORDS_BYTES].decode(errors="replace")).words
        try:
            errors = json.loads(self.body[:_WORDS_BYTES]).get("errors")
        except (ValueError, RecursionError, AttributeError):
            errors = None
        details = read_refusal(self.status, json.dumps({"error": errors})).words if errors else ""
        return f"{words}: {details}" if details and details not in words else words

    @property
    def pause(self) -> float | None:
        """The seconds for which the server wants to be left alone, None where it does not."""
        if self.status not in (403, _BUSY):
            return None
        signs = self.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in self.headers
        if self.status == 403 and not signs and "rate limit" not in self.words.lower():
            return None
        pause = parse_retry_after(self.headers.get("retry-after"))
        if pause is None:
            reset = self.headers.get("x-ratelimit-reset") or self.headers.get("ratelimit-reset") or ""
            pause = int(reset) - time.time() if re.fullmatch(r"\d{1,12}", reset) else _PAUSE_SECONDS
        return min(max(pause, 1.0), _LONGEST_PAUSE)


class ForgeServer:
    """The server of a project, asked by one client that speaks to no other; `tell` hears what is waited for."""

    def __init__(
        self, project: Project, kind: ForgeKind, root: str, client: httpx.AsyncClient, tell: Callable[[str], None]
    ) -> None:
        self.project = project
        self._kind = kind
        self._root = root
        self._client = client
        self._tell = tell

    async def get(self, path: str, what: str, **query: str | int) -> Any:
        """Return the JSON at a path; `what` is there, in words. ForgeRefusalError where it is not."""
        answer = await self._ask("GET", path, query=query)
        if answer.status in _MISSING:
            advice = advise(self.project, self._kind, "read it")
            raise ForgeRefusalError(
                f"{self.project.server} has no {what}, or does not show it (HTTP {answer.status}): check the address; "
                f"if the project is private, {advice}.",
                answer.status,
            )
        return self._read(answer, what)

    async def find(self, path: str, what: str) -> Any:
        """Return the JSON at a path, None where nothing is."""
        answer = await self._ask("GET", path)
        return None if answer.status in _MISSING else self._read(answer, what)

    async def post(self, path: str, body: Mapping[str, str], what: str) -> Any:
        """Return what the server answers to a request to make something; ForgeRefusalError where it does not."""
        return self._read(await self._ask("POST", path, body=body), what)

    async def answers(self, path: str) -> bool:
        """Return whether a program answers at a path, whomever it lets in."""
        answer = await self._ask("GET", path)
        is_json = "json" in answer.headers.get("content-type", "")
        return is_json and answer.status in (200, 401, 403)

    def _read(self, answer: _Answer, what: str) -> Any:
        server, status = self.project.server, answer.status
        if status in (401, 403):
            advice = advise(self.project, self._kind, f"access the {what}")
            raise ForgeRefusalError(f"{server} refuses access (HTTP {status}: {answer.words}): {advice}.", status)
        if 300 <= status < 400:
            raise ForgeRefusalError(
                f"{self.project.name} has moved: correct the address, also that of the remote.", status
            )
        if status >= 500:
            raise ForgeRefusalError(f"{server} is failing (HTTP {status}: {answer.words}): try again later.", status)
        if status >= 400:
            raise ForgeRefusalError(f"{server} refuses the {what} (HTTP {status}): {answer.words}", status)
        if "html" in answer.headers.get("content-type", ""):
            raise UsageError(
                f"{server} answers with a web page ({answer.words[:80]}) instead of the {what}: sign in to the "
                "network, or correct the address."
            )
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise UsageError(f"{server} sent a {what} that is no whole JSON: try again later.") from None

    async def _ask(self, method: str, path: str, *, query: Query | None = None, body: Any = None) -> _Answer:
        waited = 0.0
        while True:
            answer = await self._exchange(method, path, query, body)
            if (pause := answer.pause) is None:
                return answer
            until = (datetime.now().astimezone() + timedelta(seconds=pause)).strftime("%H:%M:%S")
            if waited + pause > WAIT_SECONDS:
                more = "" if "authorization" in self._client.headers else " A token has a higher limit."
                raise UsageError(
                    f"{self.project.server} takes no more requests (HTTP {answer.status}): run the command again after "
                    f"{until}.{more}"
                )
            self._tell(
                f"Waiting  {self.project.server} takes no request before {until} (HTTP {answer.status}); Ctrl-C ends "
                "the command."
            )
            await asyncio.sleep(pause)
            waited += pause

    async def _exchange(self, method: str, path: str, query: Query | None, body: Any) -> _Answer:
        server = self.project.server
        try:
            async with (
                asyncio.timeout(REQUEST_SECONDS),
                self._client.stream(
                    method, f"{self._root}{path}", params=query, json=body, follow_redirects=method == "GET"
                ) as response,
            ):
                return _Answer(response.status_code, response.headers, await self._read_body(response))
        except (TimeoutError, httpx.TimeoutException):
            raise UsageError(f"{server} does not answer in time: try again later.") from None
        except httpx.TooManyRedirects:
            raise UsageError(f"{server} redirects in a circle: correct the address.") from None
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            if any(sign in str(error) for sign in NO_TLS):
                raise UsageError(
                    f"{server} has a certificate that is not trusted, or no TLS: correct the address, or have "
                    "SSL_CERT_FILE name the certificate of its authority."
                ) from None
            raise UsageError(
                f"{server} cannot be reached ({error or type(error).__name__}): check the address and the network, "
                "then try again."
            ) from None

    async def _read_body(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise UsageError(f"{self.project.server} packs its answers, which was not asked for: turn that off there.")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > ANSWER_BYTES:
                raise UsageError(
                    f"{self.project.server} sent more than {ANSWER_BYTES // 1_000_000} MB at once, which is not read: "
                    "save what matters of the issue in a file, and name that with --issue-file."
                )
        return bytes(body)


@asynccontextmanager
async def open_server(
    project: Project, kind: ForgeKind, root: str, tell: Callable[[str], None], *, token: bool = True
) -> AsyncIterator[ForgeServer]:
    """Open the server whose interface is below `root`, with the token that is for it."""
    secret = find_token(project, kind) if token else None
    origin = find_origin(root)

    async def check(request: httpx.Request) -> None:
        if find_origin(request.url) != origin:
            raise UsageError(
                f"{project.server} redirects to {str(find_origin(request.url))[:200]}, where nothing is sent: correct "
                "the address."
            )

    headers = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "HydraNet"}
    # Without TLS it is a server of one's own network, where a proxy would hear the token.
    direct = origin.scheme == "http" or origin.is_local
    try:
        client = httpx.AsyncClient(
            headers=headers | ({"authorization": f"Bearer {secret}"} if secret else {}),
            timeout=httpx.Timeout(REQUEST_SECONDS, connect=_CONNECT_SECONDS),
            max_redirects=_REDIRECTS,
            event_hooks={"request": [check]},
            transport=httpx.AsyncHTTPTransport() if direct else None,
        )
    except (ImportError, ValueError, httpx.InvalidURL):
        raise UsageError(
            f"The proxy of the environment cannot be used to reach {project.server}: have HTTPS_PROXY and ALL_PROXY "
            "name an http:// proxy, or unset them."
        ) from None
    except OSError as error:
        raise UsageError(
            f"The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read ({error.strerror}): correct it."
        ) from None
    async with client:
        yield ForgeServer(project, kind, root, client, tell)
