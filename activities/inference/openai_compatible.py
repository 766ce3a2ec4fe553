"""The backend "openai": a model of any server with an OpenAI-compatible chat interface."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx
from pydantic import BaseModel

from activities.inference.addresses import find_auth
from activities.inference.http_errors import RefusedError, Server
from activities.inference.protocols import Completion, Description, Message, ModelCall
from activities.inference.stream import Answer
from hydranet.errors import FatalError, TransientError
from hydranet.settings import ModelSettings

# How servers refuse a field that they do not know.
_BAD_REQUEST = (400, 422)


class OpenAIClient:
    """The model `name` of the server whose interface begins at `url`, such as http://host:8000/v1."""

    def __init__(self, url: str, name: str, endpoints: ModelSettings) -> None:
        self._url = url.rstrip("/")
        self._name = name
        self._endpoints = endpoints
        missing = f"{self._url} has no model {name}, or no interface for it."
        self._server = Server(self._url, missing, endpoints, find_auth(self._url, endpoints))
        self._refused: set[str] = set()

    async def complete(
        self,
        call: ModelCall,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None,
        temperature: float,
        seed: int,
        max_tokens: int,
    ) -> Completion:
        """Return the model's answer; cancelling closes the connection, upon which the server stops generating."""
        body: dict[str, Any] = {
            "model": self._name,
            "messages": list(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": temperature,
            "seed": seed,
            "max_tokens": max_tokens + self._endpoints.thinking_tokens,
        }
        extras = self._extras(call, schema)
        while True:
            wanted = {name: value for name, value in extras.items() if name not in self._refused}
            try:
                return await self._answer(body | wanted)
            except RefusedError as refused:
                if not wanted or refused.status not in _BAD_REQUEST:
                    raise
                self._refused.update([name for name in wanted if name in str(refused)] or list(wanted)[-1:])

    async def warm_up(self) -> None:
        """Nothing: there is nothing to load."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text."""
        body = {"model": self._name, "input": list(texts), "encoding_format": "float"}
        async with self._connect() as client:
            with self._server.watched():
                answer = await client.post(f"{self._url}/embeddings", json=body)
                embeddings = _Embeddings.model_validate_json(answer.content)
        return [item.embedding for item in sorted(embeddings.data, key=lambda item: item.index)]

    async def describe(self) -> Description:
        """Return what the server lists; FatalError when it lists models and the named one is not among them."""
        async with self._connect() as client:
            with self._server.watched():
                listing = _Listing.model_validate_json((await client.get(f"{self._url}/models")).content)
        own = next((model for model in listing.data if model.id == self._name), None)
        if listing.data and own is None:
            names = ", ".join(model.id[:100] for model in listing.data[:8])
            raise FatalError(f"{self._url} has no model {self._name}; it has {names}.")
        return Description(self._name, self._url, context=own.context if own else None)

    def _extras(self, call: ModelCall, schema: Mapping[str, Any] | None) -> dict[str, Any]:
        extras: dict[str, Any] = {}
        if schema is not None:
            shape = {"name": call.purpose, "schema": dict(schema), "strict": True}
            extras["response_format"] = {"type": "json_schema", "json_schema": shape}
        if not self._endpoints.thinking_tokens:
            extras["chat_template_kwargs"] = {"enable_thinking": False}
        return extras

    async def _answer(self, body: dict[str, Any]) -> Completion:
        answer = Answer(self._name, body["messages"])
        async with self._connect() as client, answer.within(self._endpoints.total):
            with self._server.watched():
                await self._read(client, answer, body)
        return answer.completion()

    def _connect(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(**self._server.client_options())

    async def _read(self, client: httpx.AsyncClient, answer: Answer, body: dict[str, Any]) -> None:
        ended = False
        async with aclosing(self._server.paced(self._lines(client, body))) as lines:
            async for line in lines:
                if not line.startswith(b"data:"):
                    continue
                data = line.removeprefix(b"data:").strip()
                ended = ended or data == b"[DONE]"
                if not ended:
                    self._take(answer, data)
                if answer.full:
                    return
        if not ended and not answer.finish_reason:
            raise TransientError(f"{self._url} ended its answer in the middle.")

    async def _lines(self, client: httpx.AsyncClient, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        # httpx also splits lines at characters that JSON may hold as they are, such as U+2028.
        rest = b""
        async with client.stream("POST", f"{self._url}/chat/completions", json=body) as response:
            async for chunk in response.aiter_bytes():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line
        yield rest

    def _take(self, answer: Answer, data: bytes) -> None:
        event = _Event.model_validate_json(data.decode(errors="replace"))
        if event.error is not None:
            code = event.error.get("code") if isinstance(event.error, dict) else None
            raise self._server.refusal(code if isinstance(code, int) else 500, str(event.error))
        for choice in event.choices:
            if choice.delta is not None:
                answer.add(choice.delta.content or "", thoughts=choice.delta.thoughts)
            answer.finish_reason = choice.finish_reason or answer.finish_reason
        if event.usage is not None:
            details = event.usage.prompt_tokens_details
            answer.prompt_tokens = event.usage.prompt_tokens
            answer.output_tokens = event.usage.completion_tokens
            answer.cached_tokens = details.cached_tokens or 0 if details else 0


class _Delta(BaseModel):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None

    @property
    def thoughts(self) -> str:
        """What llama.cpp, or else newer versions of vLLM, keep apart from the answer."""
        return self.reasoning_content or self.reasoning or ""


class _Choice(BaseModel):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _PromptDetails(BaseModel):
    cached_tokens: int | None = 0


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _PromptDetails | None = None


class _Event(BaseModel):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: dict[str, Any] | str | None = None


class _Embedding(BaseModel):
    index: int
    embedding: list[float]


class _Embeddings(BaseModel):
    data: list[_Embedding]


class _ModelMeta(BaseModel):
    n_ctx: int | None = None
    n_ctx_train: int | None = None


class _Model(BaseModel):
    id: str
    max_model_len: int | None = None
    meta: _ModelMeta | None = None

    @property
    def context(self) -> int | None:
        """What vLLM, or else llama.cpp, says of the context."""
        return self.max_model_len or (self.meta and (self.meta.n_ctx or self.meta.n_ctx_train)) or None


class _Listing(BaseModel):
    data: list[_Model]
