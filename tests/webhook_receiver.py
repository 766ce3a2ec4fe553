"""A server that takes webhooks, or does not: it can be away, slow, or failing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

SECRET = "a secret that nobody guesses"


@dataclass
class Delivery:
    """A request that came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def notice(self) -> dict[str, Any]:
        notice: dict[str, Any] = json.loads(self.body)
        return notice

    def is_signed(self, secret: str = SECRET) -> bool:
        """Check the signature as Standard Webhooks has it."""
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        digest = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
        return self.headers["webhook-signature"] == f"v1,{digest}"


@dataclass
class Receiver:
    """The server, whose port stays the same while it is away."""

    behaviour: Literal["takes", "fails", "hangs", "moves"] = "takes"
    deliveries: list[Delivery] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None

    def __post_init__(self) -> None:
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            self.port = reserved.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        application = web.Application()
        application.router.add_post("/hook", self._take)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def wait_for(self, count: int, seconds: float = 60.0) -> list[Delivery]:
        """Return the deliveries once so many have come in."""
        async with asyncio.timeout(seconds):
            while len(self.deliveries) < count:
                await asyncio.sleep(0.05)
        return self.deliveries

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.deliveries.append(Delivery({key.lower(): value for key, value in request.headers.items()}, body))
        if self.behaviour == "hangs":
            await asyncio.sleep(30)
        if self.behaviour == "moves":
            return web.Response(status=307, headers={"location": self.url})
        return web.Response(status=500 if self.behaviour == "fails" else 204, text="")
