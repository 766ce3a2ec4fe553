"""What a model server may send: bounded after unpacking, and free of what nothing can hold."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from activities.inference.backend import connect, connect_embeddings, probe
from activities.inference.http_errors import parse_retry_after
from hydranet.errors import FatalError, HydraError, TransientError, UsageError
from hydranet.settings import ModelSettings
from tests.integration.inference.test_clients import (
    DIALECTS,
    NAME,
    Dialect,
    Reply,
    Server,
    ask,
    dialect,
    event,
    json_reply,
    line,
    server,
)

__all__ = ["dialect", "server"]

MEBI = 2**20
BOMB = 200 * MEBI


def deflate_raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("deflate", deflate_raw),
}


def bomb(wbits: int = 31) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, wbits)
    block = b"[]," * (MEBI // 3)
    return b"".join([packer.compress(block) for _ in range(BOMB // len(block))] + [packer.flush()])


BOMBS = {"gzip": bomb(), "deflate": bomb(15)}


async def peak_of(call: Any, kind: type[Exception], words: str) -> None:
    """Await what has to be refused, and see how much memory it took."""
    tracemalloc.start()
    try:
        with pytest.raises(kind, match=words):
            await call
        assert tracemalloc.get_traced_memory()[1] < 120 * MEBI
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_a_packed_answer_is_unpacked(server: Server, dialect: Dialect, packer: str, size: int) -> None:
    encoding, pack = PACKERS[packer]
    data = pack(b"".join(dialect.pieces("Because ", "é!") + dialect.end(prompt=1, output=2)))
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    server.replies[dialect.path] = [Reply(chunks, headers={"content-encoding": encoding})]
    assert (await ask(dialect.client(server))).text == "Because é!"
    assert server.requests[-1][1]["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("encoding", BOMBS)
async def test_a_bomb_in_a_stream_is_refused_in_little_memory(server: Server, dialect: Dialect, encoding: str) -> None:
    server.replies[dialect.path] = [Reply([BOMBS[encoding]], headers={"content-encoding": encoding})]
    await peak_of(ask(dialect.client(server)), FatalError, "too long: check which server")


@pytest.mark.parametrize("status", [400, 404, 429, 500])
async def test_a_bomb_in_an_error_is_read_at_its_beginning(server: Server, dialect: Dialect, status: int) -> None:
    server.replies[dialect.path] = [Reply([BOMBS["gzip"]], status, {"content-encoding": "gzip"})]
    await peak_of(ask(dialect.client(server)), HydraError, r"HTTP|has no model|not pulled|too long")


@pytest.mark.parametrize("form", ["ollama", "openai"])
@pytest.mark.parametrize("packed", [True, False])
async def test_a_description_that_never_ends_is_refused(server: Server, form: str, packed: bool) -> None:
    chunks = [BOMBS["gzip"]] if packed else [b"[]," * 300_000] * 30
    reply = Reply(chunks, headers={"content-encoding": "gzip"} if packed else {})
    server.replies.update({"/api/show": [reply], "/v1/models": [reply]})
    model = f"ollama:{NAME}" if form == "ollama" else f"openai:{server.url}/v1#{NAME}"
    await peak_of(probe(model, ModelSettings(ollama_host=server.url)), UsageError, "too long: check which server")


@pytest.mark.parametrize("form", ["ollama", "openai"])
async def test_vectors_without_end_are_refused(server: Server, form: str) -> None:
    reply = Reply([BOMBS["gzip"]], headers={"content-encoding": "gzip"})
    server.replies.update({"/api/embed": [reply], "/v1/embeddings": [reply]})
    model = f"ollama:{NAME}" if form == "ollama" else f"openai:{server.url}/v1#{NAME}"
    client = connect_embeddings(model, ModelSettings(ollama_host=server.url))
    await peak_of(client.embed(["x"]), FatalError, "too long: check which server")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x" * 5000])
async def test_what_was_not_asked_for_is_not_unpacked(server: Server, dialect: Dialect, encoding: str) -> None:
    server.replies[dialect.path] = [Reply([b"x"], headers={"content-encoding": encoding})]
    with pytest.raises(FatalError, match="was not asked for") as refused:
        await ask(dialect.client(server))
    assert len(str(refused.value)) < 300


async def test_a_broken_packing_is_transient(server: Server, dialect: Dialect) -> None:
    data = gzip.compress(b"".join(dialect.pieces("a" * 900)))
    broken = data[:30] + b"\xff" * 40
    server.replies[dialect.path] = [Reply([broken], headers={"content-encoding": "gzip"})]
    with pytest.raises(TransientError):
        await ask(dialect.client(server))


async def test_an_answer_without_end_is_cut_off(server: Server, dialect: Dialect) -> None:
    # No line comes twice: an answer that loops is cut off long before.
    lines = [f"{number:09} " * 1000 + "\n" for number in range(200)]
    server.replies[dialect.path] = [Reply(dialect.pieces(*lines))]
    done = await ask(dialect.client(server))
    assert done.finish_reason == "length"
    assert 200_000 <= len(done.text) < 220_000


async def test_thoughts_without_end_are_refused(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.thoughts("hm " * 100_000) * 120)]
    with pytest.raises(FatalError, match="too long"):
        await ask(dialect.client(server))


async def test_a_line_without_end_is_refused(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply([b"data: " + b"[" * 100_000] + [b"[" * 100_000] * 20)]
    with pytest.raises(FatalError, match="too long"):
        await ask(dialect.client(server))


async def test_deep_json_is_no_answer(server: Server, dialect: Dialect) -> None:
    deep = b"[" * 200_000 + b"\n"
    server.replies[dialect.path] = [Reply([deep if dialect.form == "ollama" else b"data: " + deep])]
    with pytest.raises(TransientError, match="not an answer"):
        await ask(dialect.client(server))


def escaped(dialect: Dialect, text: str) -> bytes:
    """Return the line of an answer with a text as the escapes that are given."""
    ollama = line({"message": {"role": "assistant", "content": "TEXT"}, "done": False})
    openai = event({"choices": [{"delta": {"content": "TEXT"}}]})
    return (ollama if dialect.form == "ollama" else openai).replace(b"TEXT", text.encode())


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (r"a\ud800b", "a\ufffdb"),
        (r"\uDFFF", "\ufffd"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\ud800\ud83d\uDE00", "\ufffd\U0001f600"),
        (r"\\ud800", r"\ud800"),
        (r"a\u0000b", "a\ufffdb"),
    ],
)
async def test_what_no_text_holds_is_replaced_in_an_answer(
    server: Server, dialect: Dialect, sent: str, text: str
) -> None:
    server.replies[dialect.path] = [Reply([escaped(dialect, sent), *dialect.end()])]
    done = await ask(dialect.client(server))
    assert done.text == text
    assert json.loads(json.dumps(done.text).encode()) == text


@pytest.mark.parametrize("header", ["9" * 60_000, "Mon, 01 Jan 99999999999 00:00:00 GMT", "1" * 400, "-9" * 40, "inf"])
def test_no_delay_is_too_long_or_breaks_the_reader(header: str) -> None:
    delay = parse_retry_after(header)
    assert delay is None or 0 <= delay <= 3600


async def test_a_delay_without_end_is_left_out(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [json_reply({"error": "no"}, 503, **{"retry-after": "9" * 20_000})]
    with pytest.raises(TransientError) as raised:
        await ask(dialect.client(server))
    assert raised.value.retry_after is None


SECRETS = ["s3cret", "s3:c@ret", "s3#cret", "s3/cret", "s3%40cret"]
FORMS = ["openai:http://me:{}@host:1/v1#m", "openai:http://me:{}@host", "ollama:http://me:{}@h", "gpt:x://me:{}@h#m"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", FORMS)
def test_a_password_in_a_models_name_is_refused_and_not_repeated(secret: str, form: str) -> None:
    for connecting in (connect, connect_embeddings):
        with pytest.raises(UsageError) as refused:
            connecting(form.format(secret), ModelSettings())
        assert "s3" not in str(refused.value)
        assert "ret@" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["openai:http://h:port/v1#m", "openai:http://h/v1?key=s3cret#m", "openai:http:///v1#m"]
)
def test_an_address_that_is_none_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(UsageError, match=r"write http://HOST:PORT/v1") as refused:
        connect(name, ModelSettings())
    assert "s3cret" not in str(refused.value)


async def test_a_login_of_the_settings_goes_to_its_server_alone(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.pieces("a") + dialect.end()), Reply([b"x"], 401)]
    logins = {server.url: SecretStr("me:s3:cret"), "http://127.0.0.1:1": SecretStr("other:one")}
    client = dialect.client(server, logins=logins)
    await ask(client)
    assert server.requests[-1][1]["authorization"] == "Basic bWU6czM6Y3JldA=="
    with pytest.raises(FatalError) as refused:
        await ask(client)
    assert "cret" not in str(refused.value)
    logins = {"http://127.0.0.1:1": SecretStr("other:one")}
    server.replies[dialect.path] = [Reply(dialect.pieces("a") + dialect.end())]
    await ask(dialect.client(server, logins=logins))
    assert "authorization" not in server.requests[-1][1]


async def test_a_login_in_the_address_of_ollama_is_used_and_not_shown(server: Server) -> None:
    host = server.url.replace("//", "//me:s3%40cret@")
    server.replies["/api/show"] = [json_reply({"error": "busy"}, 503)]
    with pytest.raises(UsageError) as refused:
        await probe(f"ollama:{NAME}", ModelSettings(ollama_host=host))
    assert server.url in str(refused.value)
    assert "cret" not in str(refused.value)
    assert server.requests[-1][1]["authorization"] == "Basic bWU6czNAY3JldA=="


def test_both_protocols_are_tried() -> None:
    assert {known.form for known in DIALECTS} == {"ollama", "openai"}
