"""The clients against a server on a real socket that says, stalls and breaks off what it is told to."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from activities.inference.backend import choose_default_model, connect, probe
from activities.inference.http_errors import ContextOverflowError, parse_retry_after
from activities.inference.protocols import ChatClient, Completion, ModelCall
from hydranet.errors import FatalError, TransientError, UsageError
from hydranet.settings import ModelSettings

SHAPE = {"type": "object", "properties": {"summary": {"type": "string"}}}
QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why é?"}]


@dataclass
class Reply:
    """What the server sends: a status, headers, chunks, and how it ends (end, cut, hang)."""

    chunks: list[bytes] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ending: str = "end"


@dataclass
class Server:
    """Answers each path with its replies in turn, the last one again and again; keeps the requests."""

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bodies(self, path: str) -> list[Any]:
        return [body for known, _, body in self.requests if known == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._exchange(reader, writer)
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = head[0].split()[1]
        self.requests.append((path, headers, json.loads(body) if body else None))
        queue = self.replies[path]
        reply = queue.pop(0) if len(queue) > 1 else queue[0]
        lines = [f"HTTP/1.1 {reply.status} X", "transfer-encoding: chunked", "connection: close"]
        lines += [f"{key}: {value}" for key, value in reply.headers.items()]
        if reply.ending != "hang" or reply.chunks:
            writer.write("\r\n".join([*lines, "", ""]).encode())
        for chunk in reply.chunks:
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await writer.drain()
        self.answering.set()
        if reply.ending == "end":
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        elif reply.ending == "hang":
            await reader.read()
            self.left.set()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield made


@dataclass
class Dialect:
    """How one kind of server words what both kinds say."""

    form: str
    path: str

    def model(self, server: Server) -> str:
        return f"ollama:{NAME}" if self.form == "ollama" else f"openai:{server.url}/v1#{NAME}"

    def client(self, server: Server, **settings: Any) -> ChatClient:
        server.replies.setdefault("/api/show", [json_reply(SHOWN)])
        return connect(self.model(server), ModelSettings(ollama_host=server.url, **settings))

    def pieces(self, *texts: str) -> list[bytes]:
        if self.form == "ollama":
            return [line({"message": {"role": "assistant", "content": text}, "done": False}) for text in texts]
        return [event({"choices": [{"delta": {"content": text}, "finish_reason": None}]}) for text in texts]

    def thoughts(self, text: str) -> list[bytes]:
        if self.form == "ollama":
            return [line({"message": {"role": "assistant", "content": "", "thinking": text}, "done": False})]
        return [event({"choices": [{"delta": {"reasoning_content": text}, "finish_reason": None}]})]

    def end(self, reason: str = "stop", **usage: int) -> list[bytes]:
        prompt, output = usage.get("prompt", 0), usage.get("output", 0)
        if self.form == "ollama":
            counts = {"prompt_eval_count": prompt, "eval_count": output} if usage else {}
            done = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": reason}
            return [line(done | counts)]
        cached = {"cached_tokens": usage.get("cached", 0)}
        counted = {"prompt_tokens": prompt, "completion_tokens": output, "prompt_tokens_details": cached}
        ended = [event({"choices": [{"delta": {}, "finish_reason": reason}]})]
        return [*ended, *([event({"choices": [], "usage": counted})] if usage else []), b"data: [DONE]\n\n"]

    def error(self, text: str) -> bytes:
        return line({"error": text}) if self.form == "ollama" else event({"error": {"message": text, "code": 500}})


NAME = "coder:7b"
SHOWN = {
    "model_info": {"general.architecture": "qwen2", "qwen2.context_length": 4096},
    "details": {"parameter_size": "7B", "quantization_level": "Q4_K_M"},
}
DIALECTS = [Dialect("ollama", "/api/chat"), Dialect("openai", "/v1/chat/completions")]


def line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def event(value: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply([json.dumps(value).encode()], status, {"content-type": "application/json", **headers})


async def ask(client: ChatClient, schema: Mapping[str, Any] | None = None) -> Completion:
    return await client.complete(ModelCall("plan"), QUESTION, schema=schema, temperature=0.3, seed=7, max_tokens=50)


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.form)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


async def test_an_answer_streams_in_with_its_usage(server: Server, dialect: Dialect) -> None:
    chunks = dialect.pieces("Because ", "é\u2028!") + dialect.end(prompt=12, output=3, cached=8)
    server.replies[dialect.path] = [Reply(chunks)]
    done = await ask(dialect.client(server), SHAPE)
    assert (done.text, done.finish_reason) == ("Because é\u2028!", "stop")
    assert (done.usage.calls, done.usage.prompt_tokens, done.usage.output_tokens) == (1, 12, 3)
    assert done.usage.cached_tokens == (8 if dialect.form == "openai" else 0)
    assert (done.usage.model, done.usage.context) == (NAME, 15)
    assert 0 < done.usage.waiting <= done.usage.seconds
    (body,) = server.bodies(dialect.path)
    assert (body["model"], body["stream"]) == (NAME, True)
    assert [message["content"] for message in body["messages"]] == ["Be brief.", "Why é?"]
    if dialect.form == "ollama":
        assert body["format"] == SHAPE
        assert body["options"] == {"temperature": 0.3, "seed": 7, "num_predict": 50, "num_ctx": 4096}
    else:
        assert (body["temperature"], body["seed"], body["max_tokens"]) == (0.3, 7, 50)
        assert body["response_format"]["json_schema"]["schema"] == SHAPE
        assert body["stream_options"] == {"include_usage": True}


async def test_chunks_may_end_anywhere(server: Server, dialect: Dialect) -> None:
    whole = b"".join(dialect.pieces("né", "e") + dialect.end("length", prompt=1, output=2))
    server.replies[dialect.path] = [Reply([whole[at : at + 3] for at in range(0, len(whole), 3)])]
    done = await ask(dialect.client(server))
    assert (done.text, done.finish_reason) == ("née", "length")


async def test_what_a_server_does_not_count_is_estimated(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.pieces("a", "b") + dialect.end())]
    usage = (await ask(dialect.client(server))).usage
    assert (usage.prompt_tokens, usage.output_tokens) == (3, 2)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (429, "slow down", TransientError, "busy"),
        (503, "loading model", TransientError, "loading model"),
        (500, "out of luck", TransientError, "out of luck"),
        (500, "model requires more system memory (9 GiB) than is available", FatalError, "too little memory"),
        (501, "started without embeddings", FatalError, "without embeddings"),
        (401, "no", FatalError, "API key"),
        (403, "no", FatalError, "API key"),
        (418, "teapot", FatalError, "teapot"),
        (400, "the request exceeds the available context size", ContextOverflowError, "does not fit"),
        (400, "This model's maximum context length is 4096 tokens", ContextOverflowError, "does not fit"),
    ],
)
async def test_refusals_are_transient_or_fatal(
    server: Server, dialect: Dialect, status: int, body: str, kind: type[Exception], words: str
) -> None:
    server.replies[dialect.path] = [json_reply({"error": body}, status, **{"retry-after": "7"})]
    with pytest.raises(kind, match=words) as raised:
        await ask(dialect.client(server))
    if isinstance(raised.value, TransientError):
        assert raised.value.retry_after == 7


async def test_a_prompt_that_ollama_would_cut_silently_is_not_sent(server: Server) -> None:
    client = DIALECTS[0].client(server)
    long = [{"role": "user", "content": "x" * 3 * 4096}]
    with pytest.raises(ContextOverflowError, match="does not fit"):
        await client.complete(ModelCall("plan"), long, schema=None, temperature=0.0, seed=1, max_tokens=50)
    assert server.bodies("/api/chat") == []


async def test_a_model_that_is_not_there_is_fatal(server: Server, dialect: Dialect) -> None:
    server.replies["/api/show"] = [json_reply({"error": "not found"}, 404)]
    server.replies[dialect.path] = [json_reply({"error": "not found"}, 404)]
    expected = f"run `ollama pull {NAME}`" if dialect.form == "ollama" else f"has no model {NAME}"
    with pytest.raises(FatalError, match=expected):
        await ask(dialect.client(server))


async def test_a_server_that_is_not_there_is_transient(dialect: Dialect) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = Server(port=free.getsockname()[1])
    with pytest.raises(TransientError, match="failed"):
        await ask(dialect.client(nobody))


async def test_a_stream_that_breaks_off_is_transient(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.pieces("Bec"), ending="cut")]
    with pytest.raises(TransientError):
        await ask(dialect.client(server))


async def test_a_stream_without_its_end_is_transient(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.pieces("Bec"))]
    with pytest.raises(TransientError, match="in the middle"):
        await ask(dialect.client(server))


async def test_an_error_within_a_stream_is_transient(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply([*dialect.pieces("Bec"), dialect.error("runner died")])]
    with pytest.raises(TransientError, match="runner died"):
        await ask(dialect.client(server))


@pytest.mark.parametrize(
    "garbage", [b"data: {nonsense\n\n", b'data: {"choices": 3}\n\n', b'{"message": 3}\n', b"\xff\xff\n"]
)
async def test_what_is_no_answer_is_transient(server: Server, dialect: Dialect, garbage: bytes) -> None:
    server.replies[dialect.path] = [Reply([garbage])]
    with pytest.raises(TransientError):
        await ask(dialect.client(server))


async def test_silence_before_the_first_token_ends_at_half_the_total(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(ending="hang")]
    with pytest.raises(TransientError, match="silent"):
        await ask(dialect.client(server, token_gap=0.05, total=0.4))
    await server.left.wait()


async def test_silence_between_tokens_ends_at_the_token_gap(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.pieces("Bec"), ending="hang")]
    with pytest.raises(TransientError, match=r"silent for 0\.05 seconds"):
        await ask(dialect.client(server, token_gap=0.05))
    await server.left.wait()


async def test_an_endless_answer_is_cut_off(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.pieces("and ", "so "), ending="hang")]
    done = await ask(dialect.client(server, total=0.3))
    assert (done.text, done.finish_reason) == ("and so ", "length")
    await server.left.wait()


async def test_cancelling_closes_the_stream(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.pieces("and "), ending="hang")]
    asking = asyncio.create_task(ask(dialect.client(server)))
    await server.answering.wait()
    while not server.bodies(dialect.path):
        server.answering.clear()
        await server.answering.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await server.left.wait()


@pytest.mark.parametrize(
    ("status", "refusals", "left"),
    [
        (422, ["unknown argument chat_template_kwargs"], {"response_format"}),
        (400, ["response_format is not supported"], {"chat_template_kwargs"}),
        (400, ["no templates with this tokenizer"], {"response_format"}),
        (422, ["bad request", "bad request"], set()),
    ],
)
async def test_what_a_server_refuses_is_left_out_from_then_on(
    server: Server, status: int, refusals: list[str], left: set[str]
) -> None:
    dialect = DIALECTS[1]
    answer = Reply(dialect.pieces("{}") + dialect.end())
    server.replies[dialect.path] = [*(json_reply({"error": said}, status) for said in refusals), answer]
    client = dialect.client(server)
    assert (await ask(client, SHAPE)).text == "{}"
    await ask(client, SHAPE)
    extras = [{"response_format", "chat_template_kwargs"} & set(body) for body in server.bodies(dialect.path)]
    assert (extras[0], extras[len(refusals) :]) == ({"response_format", "chat_template_kwargs"}, [left, left])


async def test_a_model_is_asked_not_to_think(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.pieces("a") + dialect.end())]
    await ask(dialect.client(server))
    (body,) = server.bodies(dialect.path)
    asked: dict[str, dict[str, object]] = {
        "ollama": {"think": False},
        "openai": {"chat_template_kwargs": {"enable_thinking": False}},
    }
    assert asked[dialect.form].items() <= body.items()


async def test_a_model_that_may_think_has_room_for_it(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.pieces("a") + dialect.end())]
    server.replies["/api/show"] = [json_reply({"model_info": {"qwen3.context_length": 40960}})]
    await ask(dialect.client(server, thinking_tokens=1000))
    (body,) = server.bodies(dialect.path)
    assert not {"think", "chat_template_kwargs"} & set(body)
    if dialect.form == "ollama":
        assert body["options"] == {"temperature": 0.3, "seed": 7, "num_predict": 1050, "num_ctx": 9192}
    else:
        assert body["max_tokens"] == 1050


async def test_thoughts_are_no_part_of_an_answer_but_show_that_it_comes(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.thoughts("Hm.") + dialect.pieces("Yes") + dialect.end())]
    assert (await ask(dialect.client(server))).text == "Yes"
    server.replies[dialect.path] = [Reply(dialect.thoughts("Hm."), ending="hang")]
    endless = await ask(dialect.client(server, total=0.5))
    assert (endless.text, endless.finish_reason) == ("", "length")


async def test_the_key_goes_into_the_header_alone(server: Server) -> None:
    dialect = DIALECTS[1]
    server.replies[dialect.path] = [Reply(dialect.pieces("a") + dialect.end())]
    await ask(dialect.client(server, keys={server.url: SecretStr("s3cret")}))
    ((_, headers, body),) = server.requests
    assert headers["authorization"] == "Bearer s3cret"
    assert "s3cret" not in json.dumps(body)


async def test_a_model_is_loaded_as_it_will_be_asked(server: Server) -> None:
    client = DIALECTS[0].client(server)
    server.replies["/api/generate"] = [json_reply({"response": "", "done": True}), json_reply({"error": "no"}, 404)]
    await client.warm_up()
    (body,) = server.bodies("/api/generate")
    assert (body["model"], body["options"], body["keep_alive"]) == (NAME, {"num_ctx": 4096}, "15m")
    assert not body.get("prompt")
    with pytest.raises(FatalError, match=f"ollama pull {NAME}"):
        await client.warm_up()


async def test_a_probe_says_what_answers(server: Server) -> None:
    settings = ModelSettings(ollama_host=server.url)
    server.replies["/api/show"] = [json_reply(SHOWN)]
    server.replies["/api/ps"] = [
        json_reply({"models": []}),
        json_reply({"models": [{"model": NAME, "size": 6_000_000_000, "size_vram": 4_500_000_000}]}),
    ]
    known = [{"id": "a"}, {"id": "b", "max_model_len": 8192}, {"id": "c", "meta": {"n_ctx_train": 32768}}]
    server.replies["/v1/models"] = [json_reply({"data": known})]
    idle, loaded = [await probe(f"ollama:{NAME}", settings) for _ in range(2)]
    assert str(idle) == f"{NAME} (7B, Q4_K_M, context 4096) at {server.url}"
    assert (idle.loaded, idle.vram) == (False, None)
    assert (loaded.loaded, loaded.size, loaded.vram) == (True, 6_000_000_000, 4_500_000_000)
    assert str(await probe(f"openai:{server.url}/v1/#a", settings)) == f"a at {server.url}/v1"
    assert [(await probe(f"openai:{server.url}/v1#{name}", settings)).context for name in "bc"] == [8192, 32768]
    with pytest.raises(UsageError, match=r"has no model d; it has a, b, c\."):
        await probe(f"openai:{server.url}/v1#d", settings)
    assert "no model" in str(await probe("templates", settings))


async def test_a_probe_of_what_does_not_answer_says_what_to_do(server: Server) -> None:
    settings = ModelSettings(ollama_host=server.url)
    server.replies["/api/show"] = [json_reply({"error": "no"}, 404)]
    with pytest.raises(UsageError, match=f"ollama pull {NAME}"):
        await probe(f"ollama:{NAME}", settings)
    server.replies["/v1/models"] = [Reply(status=502)]
    with pytest.raises(UsageError, match="start the server"):
        await probe(f"openai:{server.url}/v1#a", settings)


@pytest.mark.parametrize(
    "model", ["", "gpt", "ollama:", "openai:http://h/v1", "openai:h:80#m", "scripted:", "openai:#m"]
)
def test_an_unknown_form_of_model_lists_the_known_ones(model: str) -> None:
    with pytest.raises(UsageError, match="templates, ollama:NAME, openai:"):
        connect(model, ModelSettings())


async def test_the_default_is_the_best_coder_that_is_there(server: Server) -> None:
    gib = 2**30
    pulled = [
        {"model": "llama3:8b", "size": 5 * gib},
        {"model": "qwen2.5-coder:1.5b", "size": 1 * gib},
        {"model": "qwen2.5-coder:7b", "size": 5 * gib},
        {"model": "qwen2.5-coder:32b", "size": 20 * gib},
        {"model": "code-embed", "size": 9 * gib},
    ]
    server.replies["/api/tags"] = [json_reply({"models": pulled}), json_reply({"models": []})]
    settings = ModelSettings(ollama_host=server.url)
    assert await choose_default_model(settings) == "ollama:qwen2.5-coder:7b"
    with pytest.raises(UsageError, match=r"'models\.ollama_host' names has no model for code: run `ollama pull"):
        await choose_default_model(settings)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("-1", 0.0),
        ("1e9", 3600.0),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("nan", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header) == seconds


async def test_an_answer_that_loops_is_cut_off(server: Server, dialect: Dialect) -> None:
    again = "    key = key.replace('_', '-')\n"
    server.replies[dialect.path] = [Reply(dialect.pieces("def f(key):\n", *[again] * 500) + dialect.end())]
    answer = await ask(dialect.client(server))
    assert 4 * len(again) < len(answer.text) < 40 * len(again)
    assert (answer.finish_reason, answer.usage.output_tokens) == ("length", answer.text.count("\n"))
