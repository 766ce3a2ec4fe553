"""Notices by webhook, signed as Standard Webhooks has it: HMAC-SHA256 over id, time and body.

https://github.com/standard-webhooks/standard-webhooks has libraries that check it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import time

import httpx

from activities.inference.addresses import find_origin
from activities.inference.http_errors import parse_retry_after
from activities.notices.secrets import read_secret
from hydranet import __version__
from hydranet.errors import TransientError
from hydranet.notice import Notice
from hydranet.notify_settings import WebhookTarget, name_target

_SECONDS = 20.0
# What a server may ask to be left alone for: after that it is tried again all the same.
_LONGEST_WAIT = 3600.0
_PREFIX = "whsec_"


async def post_webhook(target: WebhookTarget, notice: Notice) -> None:
    """Send a notice; TransientError where the server does not take it, which names neither address nor secret."""
    name = name_target(target)
    address = read_secret(target.url) if target.url.startswith(("env:", "file:")) else target.url
    body = notice.model_dump_json().encode()
    headers = {"content-type": "application/json", "user-agent": f"hydranet/{__version__}"}
    headers |= sign(notice.id, int(time.time()), body, read_secret(target.secret) if target.secret else "")
    try:
        # No redirect is followed: the address that its owner wrote gets the notice, and no other.
        async with (
            asyncio.timeout(_SECONDS),
            # A proxy is asked for what is elsewhere.
            httpx.AsyncClient(timeout=_SECONDS, trust_env=not find_origin(address).is_local) as client,
            client.stream("POST", address, content=body, headers=headers) as answer,
        ):
            status, pause = answer.status_code, parse_retry_after(answer.headers.get("retry-after"))
    except (TimeoutError, httpx.TimeoutException):
        raise TransientError(f"The server of {name} does not answer within {_SECONDS:.0f} seconds.") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        # Its words may repeat the address, which may be a secret.
        raise TransientError(f"The server of {name} cannot be reached ({type(error).__name__}).") from None
    if not 200 <= status < 300:
        wait = min(pause, _LONGEST_WAIT) if pause is not None else None
        raise TransientError(f"The server of {name} does not take the notice (HTTP {status}).", retry_after=wait)


def sign(notice_id: str, seconds: int, body: bytes, secret: str) -> dict[str, str]:
    """Return the headers that say which notice it is and when it was sent, and that prove who sent it."""
    headers = {"webhook-id": notice_id, "webhook-timestamp": str(seconds)}
    if secret:
        signed = f"{notice_id}.{seconds}.".encode() + body
        digest = hmac.new(_read_key(secret), signed, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def _read_key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass  # Then it only looks like one.
    return secret.encode()
