"""Answers in other forms than those of the two protocols: read, or else told in the server's own words."""

import json
from typing import Any

import pytest

from activities.inference.backend import connect, probe
from activities.inference.http_errors import ContextOverflowError, RefusedError
from activities.inference.protocols import TOOL_CALL
from hydranet.errors import FatalError, TransientError, UsageError
from hydranet.settings import ModelSettings
from tests.integration.inference.test_clients import (
    NAME,
    SHAPE,
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


def message(dialect: Dialect, content: Any, **fields: Any) -> dict[str, Any]:
    """Return an answer as one document, as a server sends it that does not stream."""
    whole = {"role": "assistant", "content": content, **fields}
    if dialect.form == "ollama":
        return {"message": whole, "done": True, "prompt_eval_count": 12, "eval_count": 3}
    usage = {"prompt_tokens": 12, "completion_tokens": 3}
    return {"choices": [{"index": 0, "message": whole, "finish_reason": "stop"}], "usage": usage}


def piece(dialect: Dialect, content: Any, **fields: Any) -> bytes:
    """Return an answer as one event of a stream."""
    part = {"content": content, **fields}
    if dialect.form == "ollama":
        return line({"message": part, "done": False})
    return event({"choices": [{"delta": part, "finish_reason": None}]})


@pytest.mark.parametrize("indent", [None, 2])
async def test_an_answer_that_is_not_streamed_is_read(server: Server, dialect: Dialect, indent: int | None) -> None:
    document = json.dumps(message(dialect, "Because"), indent=indent).encode()
    server.replies[dialect.path] = [Reply([document], headers={"content-type": "application/json"})]
    done = await ask(dialect.client(server))
    assert (done.text, done.finish_reason) == ("Because", "stop")
    assert (done.usage.prompt_tokens, done.usage.output_tokens) == (12, 3)


async def test_events_without_their_prefix_are_read(server: Server) -> None:
    lines = [line({"choices": [{"delta": {"content": text}}]}) for text in ("Bec", "ause")]
    ended = line({"choices": [{"delta": None, "finish_reason": "stop"}]})
    server.replies["/v1/chat/completions"] = [Reply([*lines, ended])]
    assert (await ask(Dialect("openai", "").client(server))).text == "Because"


async def test_comments_and_other_fields_of_a_stream_are_passed_over(server: Server) -> None:
    dialect = Dialect("openai", "/v1/chat/completions")
    noise = b": keep-alive\n\nevent: message\r\nid: 3\nretry: 1000\n"
    server.replies[dialect.path] = [Reply([noise, *dialect.pieces("a"), noise, *dialect.end()])]
    assert (await ask(dialect.client(server))).text == "a"


async def test_a_stream_ends_where_it_says_so(server: Server) -> None:
    dialect = Dialect("openai", "/v1/chat/completions")
    server.replies[dialect.path] = [Reply(dialect.pieces("a") + dialect.end(), ending="hang")]
    assert (await ask(dialect.client(server, token_gap=5))).text == "a"
    await server.left.wait()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ([{"type": "text", "text": "Bec"}, {"type": "text", "text": "ause"}], "Because"),
        (["Bec", {"type": "output_text", "text": {"value": "ause"}}], "Because"),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}, {"type": "text", "text": "So"}], "So"),
    ],
)
async def test_a_content_may_be_null_or_a_list_of_parts(
    server: Server, dialect: Dialect, content: Any, text: str
) -> None:
    server.replies[dialect.path] = [
        Reply([piece(dialect, content), *dialect.end()]),
        json_reply(message(dialect, content)),
    ]
    client = dialect.client(server)
    assert [(await ask(client)).text for _ in range(2)] == [text, text]


@pytest.mark.parametrize(
    "extra",
    [
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": [{"delta": None, "finish_reason": None}], "usage": None},
        {"choices": [], "usage": {"prompt_tokens": None, "completion_tokens": None, "prompt_tokens_details": None}},
        {"choices": [], "usage": {"prompt_tokens": "many", "completion_tokens": -3}},
        {"message": None, "done": False, "error": None},
        {"message": {"content": ""}, "done": None, "prompt_eval_count": None, "eval_count": None},
    ],
)
async def test_null_fields_and_counts_add_nothing(server: Server, dialect: Dialect, extra: dict[str, Any]) -> None:
    sent = line(extra) if dialect.form == "ollama" else event(extra)
    server.replies[dialect.path] = [Reply([sent, *dialect.pieces("a"), sent, *dialect.end()])]
    done = await ask(dialect.client(server))
    assert (done.text, done.usage.prompt_tokens, done.usage.output_tokens) == ("a", 3, 1)


CALLS: list[Any] = [{"path": "a.py", "content": "x = 1\n"}, '{"path": "a.py", "content": "x = 1\\n"}']


@pytest.mark.parametrize("arguments", CALLS)
async def test_the_answer_in_a_tool_call_is_taken(server: Server, dialect: Dialect, arguments: Any) -> None:
    calls = [{"function": {"name": "write", "arguments": arguments}}]
    server.replies[dialect.path] = [
        json_reply(message(dialect, None, tool_calls=calls)),
        Reply([piece(dialect, "", tool_calls=calls), *dialect.end("tool_calls")]),
        Reply([piece(dialect, "", tool_calls=calls), piece(dialect, "y = 2"), *dialect.end()]),
    ]
    client = dialect.client(server)
    assert [(await ask(client)).text for _ in range(3)] == ["x = 1\n", "x = 1\n", "y = 2"]
    server.replies[dialect.path] = [json_reply(message(dialect, None, tool_calls=calls))]
    assert json.loads((await ask(client, SHAPE)).text) == {"path": "a.py", "content": "x = 1\n"}


async def test_a_tool_call_comes_in_pieces_and_the_first_one_counts(server: Server) -> None:
    dialect = Dialect("openai", "/v1/chat/completions")
    parts = [
        piece(dialect, None, tool_calls=[{"index": 0, "function": {"name": "write", "arguments": '{"code": "x'}}]),
        piece(dialect, None, tool_calls=[{"index": 0, "function": {"arguments": ' = 1"}'}}]),
        piece(
            dialect, None, tool_calls=[{"index": 1, "function": {"name": "run", "arguments": '{"command": "ls -l"}'}}]
        ),
    ]
    server.replies[dialect.path] = [
        Reply([*parts, *dialect.end("tool_calls")]),
        json_reply(message(dialect, None, function_call={"name": "write", "arguments": '{"code": "x = 1"}'})),
    ]
    client = dialect.client(server)
    assert [(await ask(client)).text for _ in range(2)] == ["x = 1", "x = 1"]


@pytest.mark.parametrize("arguments", ["{}", "nonsense", '{"depth": 3}', None])
async def test_a_tool_call_without_a_text_is_no_answer(server: Server, dialect: Dialect, arguments: str | None) -> None:
    calls: list[Any] = [{"function": {"name": "look", "arguments": arguments or {"deep": {}}}}]
    server.replies[dialect.path] = [json_reply(message(dialect, "", tool_calls=calls))]
    done = await ask(dialect.client(server))
    assert (done.text, done.finish_reason) == ("", TOOL_CALL)


REFUSALS = [
    ({"error": {"message": "Insufficient credits", "code": 402}}, RefusedError, r"HTTP 402\): Insufficient credits"),
    ({"error": {"message": "You have insufficient balance"}}, RefusedError, "insufficient balance"),
    ({"error": "CUDA out of memory"}, TransientError, "CUDA out of memory"),
    ({"object": "error", "message": "the KV cache is full", "code": 500}, TransientError, "KV cache is full"),
    ({"object": "error", "message": "no such field", "code": 400}, RefusedError, "no such field"),
    ({"error": {"message": "Provider is overloaded", "code": "503"}}, TransientError, "overloaded"),
    ({"error": {"type": "invalid_request_error"}}, RefusedError, "invalid_request_error"),
    ({"detail": "Invalid API key"}, FatalError, "refuses access; set the API key: Invalid API key"),
    ({"detail": [{"loc": ["body"], "msg": "a value must be given"}]}, RefusedError, "a value must be given"),
    ({"errors": [{"message": "Model x does not exist"}]}, FatalError, "Model x does not exist"),
    ({"message": "rate limit reached", "code": 429}, TransientError, "rate limit"),
    ({"error": {"code": 413}}, ContextOverflowError, "does not fit"),
    ({"error": {"message": "prompt is too long: 9000 tokens > 8192 maximum"}}, ContextOverflowError, "does not fit"),
    ({"error": "input length exceeds the context length"}, ContextOverflowError, "does not fit"),
]


@pytest.mark.parametrize("form", ["document", "event", "late event", "error field"])
@pytest.mark.parametrize(("body", "kind", "words"), REFUSALS)
async def test_an_error_in_place_of_an_answer_is_told_in_its_own_words(
    server: Server, dialect: Dialect, form: str, body: dict[str, Any], kind: type[Exception], words: str
) -> None:
    sent = line(body) if dialect.form == "ollama" else event(body)
    replies = {
        "document": json_reply(body),
        "event": Reply([sent]),
        "late event": Reply([*dialect.pieces("Bec"), sent]),
        "error field": Reply([b"event: error\n", sent]),
    }
    server.replies[dialect.path] = [replies[form]]
    with pytest.raises(kind, match=words) as raised:
        await ask(dialect.client(server))
    assert type(raised.value) is kind
    assert len(server.bodies(dialect.path)) == 1 or kind is RefusedError


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (
            429,
            {"error": {"code": "insufficient_quota", "message": "See your plan and billing details."}},
            FatalError,
            "billing",
        ),
        (429, {"error": {"message": "Quota: see billing. Please retry in 6s."}}, TransientError, "retry in 6s"),
        (413, {}, ContextOverflowError, "does not fit"),
        (
            400,
            {"error": {"message": "Requested tokens exceed context window of 4096"}},
            ContextOverflowError,
            "does not",
        ),
        (404, {"detail": "No endpoints match your data policy"}, FatalError, "data policy"),
        (500, {"error": {"message": "loading", "type": "server_error"}}, TransientError, r"\(HTTP 500\): loading$"),
        (302, {"detail": "moved, but nobody says where"}, FatalError, "nobody says where"),
        (422, {"detail": [{"msg": "too few messages"}, {"msg": "no model"}]}, FatalError, "too few messages; no model"),
    ],
)
async def test_the_words_of_an_http_error_are_its_sentences(
    server: Server, dialect: Dialect, status: int, body: Any, kind: type[Exception], words: str
) -> None:
    server.replies[dialect.path] = [json_reply(body, status)]
    with pytest.raises(kind, match=words):
        await ask(dialect.client(server))


async def test_a_web_page_is_no_answer(server: Server, dialect: Dialect) -> None:
    page = b"<html><head><title>Sign in</title></head><body>Sign in</body></html>"
    html = {"content-type": "text/html; charset=utf-8"}
    server.replies[dialect.path] = [Reply([page], headers=html), Reply([page], 503, html)]
    client = dialect.client(server)
    with pytest.raises(TransientError, match=r"answers with a web page, as no model does \(Sign in Sign in\): sign in"):
        await ask(client)
    with pytest.raises(TransientError, match=r"\(HTTP 503\): Sign in Sign in$"):
        await ask(client)


@pytest.mark.parametrize("document", [[], "text", {"data": 3, "models": 3, "model_info": 3}, {"error": "runner died"}])
async def test_a_document_of_another_form_is_a_sentence(server: Server, dialect: Dialect, document: Any) -> None:
    for path in ("/api/show", "/api/ps", "/v1/models"):
        server.replies[path] = [json_reply(document)]
    with pytest.raises(UsageError, match=r"not an answer: (it|its) |runner died") as raised:
        await probe(dialect.model(server), ModelSettings(ollama_host=server.url))
    assert not {"pydantic", "NoneType", "attribute"} & set(str(raised.value).replace("'", " ").split())


async def test_a_document_without_end_is_refused(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply([b'{"message":\n'] + [(b"[" * 99 + b"\n") * 1000] * 20)]
    with pytest.raises(FatalError, match="too long: check which server"):
        await ask(dialect.client(server))


async def test_a_model_that_is_described_with_nulls_can_be_asked(server: Server) -> None:
    server.replies["/api/show"] = [json_reply({"details": None, "model_info": None})]
    server.replies["/api/ps"] = [json_reply({"models": None})]
    settings = ModelSettings(ollama_host=server.url)
    described = await probe(f"ollama:{NAME}", settings)
    assert (described.kind, described.context, described.loaded) == ("", None, False)
    dialect = Dialect("ollama", "/api/chat")
    server.replies[dialect.path] = [Reply(dialect.pieces("a") + dialect.end())]
    assert (await ask(connect(f"ollama:{NAME}", settings))).text == "a"


@pytest.mark.parametrize(
    ("template", "is_bare"),
    [
        ("{{ .Prompt }}", True),
        ("{{.Prompt}}\n", True),
        ("{{- .Prompt -}}", True),
        ("<s>{{ .Prompt }}</s>", False),
        ("{{ range .Messages }}{{ .Content }}{{ end }}", False),
        ("", False),
        (None, False),
        (3, False),
    ],
)
async def test_a_model_whose_template_is_the_bare_prompt_is_warned_of(
    server: Server, template: Any, is_bare: bool
) -> None:
    server.replies |= {"/api/show": [json_reply({"template": template})], "/api/ps": [json_reply({"models": []})]}
    described = await probe(f"ollama:{NAME}", ModelSettings(ollama_host=server.url))
    assert (f"The model {NAME} has no chat template" in described.warning) == is_bare
