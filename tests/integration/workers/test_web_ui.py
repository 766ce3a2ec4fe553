"""The proxy in front of the Web UI: who is let through, and that a page of somebody else's is not."""

from __future__ import annotations

import asyncio
import json
import ssl
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from temporalio.api.common.v1 import Payload

from hydranet.errors import UsageError
from hydranet.settings import Settings
from workers.cluster.authority import digest_certificate
from workers.sealing import SealingCodec, load_keys
from workers.temporal_server import find_free_port
from workers.web_ui import WebUi, load_token
from workers.web_ui_certificate import open_listener

TOKEN = "the-token"
# An address of this machine that stands for one of the network's.
NETWORK = "127.0.0.2"


@pytest.fixture
def codec(tmp_path: Path) -> SealingCodec:
    return SealingCodec(load_keys(Settings(data_dir=tmp_path)))


@pytest.fixture
async def ui(codec: SealingCodec) -> AsyncIterator[WebUi]:
    """The proxy in front of a server that answers with what it was asked."""

    async def echo(request: web.Request) -> web.Response:
        if request.path == "/api/v1/settings":
            return web.json_response({"Codec": {"Endpoint": "http://127.0.0.1:8233/codec"}, "Version": "2"})
        asked: dict[str, Any] = {"method": request.method, "path": request.raw_path}
        asked |= {"cookie": request.headers.get("Cookie"), "body": (await request.read()).decode()}
        return web.json_response(asked, headers={"Set-Cookie": "theirs=1", "X-Theirs": "kept"})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    with tempfile.TemporaryDirectory(prefix="hydra-") as name:
        await web.UnixSite(runner, f"{name}/ui.sock").start()
        listener = open_listener(NETWORK, Path(name) / "certificate")
        ui = WebUi(f"unix:{name}/ui.sock", find_free_port(), TOKEN, codec, listener)
        async with ui.serve(Path(name)):
            yield ui
        await runner.cleanup()


@pytest.fixture
async def browser(ui: WebUi) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a cookie."""
    async with httpx.AsyncClient(base_url=ui.origin) as client:
        yield client


async def sign_in(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/", params={"token": TOKEN})
    assert answer.status_code == 302


async def test_the_token_is_exchanged_for_a_cookie(ui: WebUi, browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/namespaces/default/workflows/a?x=1&token=the-token&y=a%20b")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{ui.origin}/namespaces/default/workflows/a?x=1&y=a+b"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    browser.cookies.set("theirs", "1")
    asked = (await browser.post("/api/v1/x%2Fy?z=1", content=b"body")).json()
    assert asked == {"method": "POST", "path": "/api/v1/x%2Fy?z=1", "cookie": "theirs=1", "body": "body"}


async def test_a_link_with_a_token_leads_to_no_other_host(ui: WebUi, browser: httpx.AsyncClient) -> None:
    for path in ("//evil.example/", "/%2Fevil.example/"):
        answer = await browser.get(f"{ui.origin}{path}?token=the-token")
        assert answer.headers["Location"].startswith(f"{ui.origin}/")


@pytest.mark.parametrize("path", ["/", "/api/v1/namespaces", "/codec/decode", "/?token=", "/?token=wrong", "/a.js"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
async def test_nobody_else_is_let_in(browser: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await browser.request(method, path)).status_code == 401
    for word in ("", "Bearer", "Bearer wrong", TOKEN, f"Basic {TOKEN}"):
        assert (await browser.request(method, path, headers={"Authorization": word})).status_code == 401
    browser.cookies.set("hydra-1", "x")
    browser.cookies.set(f"hydra-{browser.base_url.port}", TOKEN)
    assert (await browser.request(method, path)).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "localhost:1"},
    ],
    ids=str,
)
async def test_a_page_of_another_origin_is_refused_even_with_the_cookie(
    browser: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await sign_in(browser)
    for method in ("GET", "POST"):
        assert (await browser.request(method, "/api/v1/namespaces", headers=headers)).status_code == 403


async def test_what_the_ui_answers_cannot_be_framed(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    answer = await browser.get("/")
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Theirs"] == "kept"


async def test_the_name_localhost_leads_to_the_address_with_the_cookie(ui: WebUi, browser: httpx.AsyncClient) -> None:
    port = browser.base_url.port
    answer = await browser.get("/a?b=c", headers={"Host": f"localhost:{port}"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{ui.origin}/a?b=c")


async def test_the_codec_opens_and_seals(browser: httpx.AsyncClient, codec: SealingCodec) -> None:
    await sign_in(browser)
    plain = {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IlNsb3ci"}]}
    sealed = (await browser.post("/codec/encode", json=plain)).json()
    assert "IlNsb3ci" not in json.dumps(sealed)
    assert (await browser.post("/codec/decode", json=sealed)).json() == plain
    foreign = {"payloads": [{"metadata": {"encoding": "YmluYXJ5L3NlYWxlZA==", "key": "eA=="}, "data": "eA=="}]}
    answer = await browser.post("/codec/decode", json=foreign)
    assert answer.status_code == 400
    assert "not in" in answer.text
    assert (await browser.post("/codec/decode", content=b"no json")).status_code == 400
    assert await codec.decode([]) == []
    assert Payload() is not None


async def test_a_program_shows_the_token_itself(browser: httpx.AsyncClient) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert (await browser.post("/codec/decode", json={"payloads": []}, headers=bearer)).status_code == 200
    foreign = {**bearer, "Origin": "http://evil.example"}
    assert (await browser.post("/codec/decode", json={"payloads": []}, headers=foreign)).status_code == 403


async def test_a_server_that_does_not_answer_is_told(codec: SealingCodec, tmp_path: Path) -> None:
    ui = WebUi("unix:/nowhere.sock", find_free_port(), TOKEN, codec)
    async with ui.serve(tmp_path), httpx.AsyncClient(base_url=ui.origin) as browser:
        await sign_in(browser)
        assert (await browser.get("/")).status_code == 502


def test_the_token_stays_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "web-ui-token"
    token = load_token(file)
    assert len(token) >= 32
    assert load_token(file) == token
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.fixture
async def phone(ui: WebUi) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another machine, which knows the certificate by its fingerprint."""
    pem = await asyncio.to_thread(ssl.get_server_certificate, (NETWORK, ui.port))
    assert digest_certificate(pem) == ui.fingerprint
    # Nobody vouches for it, so it is trusted by itself.
    context = ssl.create_default_context(cadata=pem)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    async with httpx.AsyncClient(base_url=ui.network_origin, verify=context) as client:
        yield client


async def test_another_machine_opens_the_page_over_tls_with_the_token(ui: WebUi, phone: httpx.AsyncClient) -> None:
    assert (await phone.get("/")).status_code == 401
    answer = await phone.get("/namespaces", params={"token": TOKEN})
    assert answer.headers["Location"] == f"{ui.network_origin}/namespaces"
    assert "Secure" in answer.headers["Set-Cookie"]
    assert (await phone.get("/namespaces")).json()["path"] == "/namespaces"


async def test_there_the_codec_is_at_the_same_address(ui: WebUi, phone: httpx.AsyncClient) -> None:
    await sign_in(phone)
    answer = (await phone.get("/api/v1/settings")).json()
    assert answer == {"Codec": {"Endpoint": f"{ui.network_origin}/codec"}, "Version": "2"}


async def test_without_tls_the_network_reaches_nothing(ui: WebUi, browser: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.HTTPError):
        await browser.get(f"http://{NETWORK}:{ui.port}/")
    # Nor does a page of another name that leads to this address.
    async with httpx.AsyncClient(verify=False) as client:
        answer = await client.get(f"{ui.network_origin}/?token={TOKEN}", headers={"Host": f"page.example:{ui.port}"})
    assert answer.status_code == 403


def test_the_certificate_stays_until_the_address_is_another(tmp_path: Path) -> None:
    file = tmp_path / "certificate"
    first = open_listener(NETWORK, file).fingerprint
    assert file.stat().st_mode & 0o777 == 0o600
    assert open_listener(NETWORK, file).fingerprint == first
    assert open_listener("127.0.0.3", file).fingerprint != first


async def test_an_address_of_another_machine_is_refused_in_a_sentence(codec: SealingCodec, tmp_path: Path) -> None:
    ui = WebUi("127.0.0.1:1", find_free_port(), TOKEN, codec, open_listener("192.0.2.1", tmp_path / "certificate"))
    with pytest.raises(UsageError, match=r"temporal\.ui_listen"):
        async with ui.serve(tmp_path):
            pass
