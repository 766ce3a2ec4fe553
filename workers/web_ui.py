"""The way to the Web UI: a reverse proxy on the loopback, with a token, and the codec by which the UI reads payloads.

Every user of the machine and every web page can reach the loopback. So the address that is printed has a token, which
the browser exchanges for a cookie; requests of other pages are refused, whatever cookie they carry. The same is served
over TLS at an address of this machine, where the user wants to see it from another.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, UnixConnector, web
from aiohttp.typedefs import Handler
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from temporalio.api.common.v1 import Payloads
from temporalio.converter import PayloadCodec

from activities.private_file import create_private, make_private_folder
from hydranet.errors import HydraError, UsageError
from workers.cluster.membership import join_address
from workers.web_ui_certificate import Listener

PROXY_SOCKET = "proxy.sock"
"""The name of the proxy's Unix socket, by which it is reached from a namespace."""

_PARAMETER = "token"
_YEAR_SECONDS = 365 * 24 * 3600
_CODEC = "/codec"
# Where the Web UI reads its settings, among them the address of the codec.
_SETTINGS = "/api/v1/settings"
# A payload of Temporal has at most 2 MB, and a page of history some dozens.
_BODY_LIMIT = 64 << 20
# Headers of an answer that are about one connection; of a request the proxy also decides these itself.
_DROPPED = frozenset(
    "connection keep-alive te trailer transfer-encoding upgrade host cookie "
    "authorization proxy-authorization proxy-authenticate".split()
)
_DROPPED_OF_REQUESTS = _DROPPED | {"content-length", "content-encoding"}
_HELP = "This page is for the owner of this HydraNet: open the address that `hydra up` prints."
_HEADERS = {"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


class WebUi:
    """The proxy's application: what it lets through goes to `backend`, a Unix socket (unix:PATH) or HOST:PORT.

    With a `listener` the network may reach it too, at the same port.
    """

    def __init__(
        self, backend: str, port: int, token: str, codec: PayloadCodec, listener: Listener | None = None
    ) -> None:
        self._backend = backend
        self._listener = listener
        self.port = port
        self._token = token
        # Not the token itself, which may stand in a shell's history or a terminal's scrollback after it is changed.
        self._cookie = hashlib.sha256(f"cookie {token}".encode()).hexdigest()
        self._codec = codec
        self.application = web.Application(client_max_size=_BODY_LIMIT, middlewares=[self._guard])
        self.application.router.add_post(f"{_CODEC}/{{direction:encode|decode}}", self._convert)
        self.application.router.add_route("*", "/{path:.*}", self._forward)

    @property
    def origin(self) -> str:
        """The address without a token."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def network_origin(self) -> str:
        """The address for other machines, without a token; empty where they may not reach it."""
        if self._listener is None:
            return ""
        return f"https://{join_address(self._listener.address, self.port)}"

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate that other machines see, empty without one."""
        return self._listener.fingerprint if self._listener else ""

    @contextlib.asynccontextmanager
    async def serve(self, runtime: Path) -> AsyncIterator[None]:
        """Serve on the loopback, and on a Unix socket in the folder `runtime`, until the block is left."""
        unix = self._backend.startswith("unix:")
        connector = UnixConnector(self._backend.removeprefix("unix:")) if unix else TCPConnector()
        async with ClientSession(
            connector=connector, auto_decompress=False, timeout=ClientTimeout(total=None)
        ) as client:
            self._client = client
            runner = web.AppRunner(self.application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", self.port).start()
                await web.UnixSite(runner, runtime / PROXY_SOCKET).start()
                if self._listener is not None:
                    await self._listen(runner, self._listener)
                yield
            finally:
                await runner.cleanup()

    async def _listen(self, runner: web.AppRunner, listener: Listener) -> None:
        try:
            await web.TCPSite(runner, listener.address, self.port, ssl_context=listener.context).start()
        except OSError as error:
            raise UsageError(
                f"The Web UI cannot be served at {listener.address}:{self.port} ({error.strerror}): correct "
                "'temporal.ui_listen', which is an address of this machine, or 'temporal.ui_port'."
            ) from None

    def _find_origin(self, request: web.Request) -> str:
        return self.network_origin if request.secure else self.origin

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = self._find_origin(request)
        if f"{request.scheme}://{request.host}" != origin:
            # A page of another name that leads here, or the same machine by a name whose cookie is another.
            if request.host == f"localhost:{self.port}" and request.method == "GET" and not request.secure:
                raise web.HTTPFound(f"{self.origin}{request.rel_url}", headers=_HEADERS)
            raise web.HTTPForbidden(text=_HELP)
        if request.headers.get("Origin", origin) != origin:
            raise web.HTTPForbidden(text=_HELP)
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise web.HTTPForbidden(text=_HELP)
        if (token := request.query.get(_PARAMETER)) is not None and request.method == "GET":
            return self._exchange(request, token)
        shown = (request.cookies.get(self._cookie_name, ""), request.headers.get("Authorization", ""))
        right = (self._cookie, f"Bearer {self._token}")
        if not any(hmac.compare_digest(*map(str.encode, pair)) for pair in zip(shown, right, strict=True)):
            raise web.HTTPUnauthorized(text=_HELP, headers=_HEADERS)
        return await handler(request)

    @property
    def _cookie_name(self) -> str:
        # Cookies do not know ports.
        return f"hydra-{self.port}"

    def _exchange(self, request: web.Request, token: str) -> web.StreamResponse:
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise web.HTTPUnauthorized(text=_HELP, headers=_HEADERS)
        query = [(name, value) for name, value in request.query.items() if name != _PARAMETER]
        path = request.path + (f"?{urlencode(query)}" if query else "")
        # Two slashes would lead to another host.
        response = web.HTTPFound(f"{self._find_origin(request)}/{path.lstrip('/')}", headers=_HEADERS)
        response.set_cookie(
            *(self._cookie_name, self._cookie),
            httponly=True,
            samesite="Strict",
            secure=request.secure,
            max_age=_YEAR_SECONDS,
        )
        raise response

    async def _convert(self, request: web.Request) -> web.Response:
        try:
            payloads = Parse(await request.read(), Payloads(), ignore_unknown_fields=True).payloads
            convert = self._codec.encode if request.match_info["direction"] == "encode" else self._codec.decode
            converted = Payloads(payloads=await convert(payloads))
        except (ParseError, HydraError) as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return web.Response(text=MessageToJson(converted), content_type="application/json")

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        settings = request.secure and request.path == _SETTINGS
        dropped = _DROPPED_OF_REQUESTS | {"accept-encoding"} if settings else _DROPPED_OF_REQUESTS
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in dropped]
        # The Web UI has a cookie of its own, against forged requests.
        theirs = [f"{name}={value}" for name, value in request.cookies.items() if name != self._cookie_name]
        headers.append(("Cookie", "; ".join(theirs)))
        backend = "localhost" if self._backend.startswith("unix:") else self._backend
        body = request.content if request.body_exists else None
        try:
            async with self._client.request(
                request.method,
                f"http://{backend}{request.rel_url.raw_path_qs}",
                headers=headers,
                data=body,
                allow_redirects=False,
            ) as answer:
                if settings and answer.content_type == "application/json":
                    return web.json_response(self._point_to_codec(await answer.json()), headers=_HEADERS)
                response = web.StreamResponse(status=answer.status)
                for name, value in answer.headers.items():
                    if name.lower() not in _DROPPED:
                        response.headers.add(name, value)
                response.headers["X-Frame-Options"] = "DENY"
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
                return response
        except ClientError:
            raise web.HTTPBadGateway(text="Temporal's Web UI does not answer: it is starting or ending.") from None

    def _point_to_codec(self, settings: Any) -> Any:
        # The server knows the codec on the loopback, which means another machine there.
        if isinstance(settings, dict) and isinstance(codec := settings.get("Codec"), dict):
            codec["Endpoint"] = f"{self.network_origin}{_CODEC}"
        return settings


def build_codec_url(port: int) -> str:
    """Return the address of the codec of the proxy at `port`."""
    return f"http://127.0.0.1:{port}{_CODEC}"


def load_token(file: Path) -> str:
    """Return the token that opens the Web UI, a new one where there is no file; it stays, and so do its cookies."""
    if not file.exists():
        make_private_folder(file.parent)
        create_private(file, secrets.token_urlsafe(24))
    return file.read_text().strip()
