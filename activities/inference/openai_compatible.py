"""The backend "openai": a model of any server with an OpenAI-compatible chat interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from activities.inference.addresses import find_auth
from activities.inference.events import read_count, read_list, read_object, read_vectors
from activities.inference.http_errors import RefusedError, Server
from activities.inference.protocols import Completion, Description, Message, ModelCall
from activities.inference.stream import Answer, read_answer
from hydranet.errors import FatalError
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
        async with self._server.connect() as client:
            with self._server.watched():
                rows = read_list(await self._server.fetch(client, "/embeddings", body), "data")
                rows.sort(key=lambda row: read_count(row.get("index")))
                return read_vectors([row.get("embedding") for row in rows])

    async def describe(self) -> Description:
        """Return what the server lists; FatalError when it lists models and the named one is not among them."""
        async with self._server.connect() as client:
            with self._server.watched():
                listing = read_list(await self._server.fetch(client, "/models"), "data")
        own = next((model for model in listing if model.get("id") == self._name), None)
        if listing and own is None:
            names = ", ".join(str(model.get("id"))[:100] for model in listing[:8])
            raise FatalError(f"{self._url} has no model {self._name}; it has {names}.")
        return Description(self._name, self._url, context=_find_context(own or {}))

    def _extras(self, call: ModelCall, schema: Mapping[str, Any] | None) -> dict[str, Any]:
        extras: dict[str, Any] = {}
        if schema is not None:
            shape = {"name": call.purpose, "schema": dict(schema), "strict": True}
            extras["response_format"] = {"type": "json_schema", "json_schema": shape}
        if not self._endpoints.thinking_tokens:
            extras["chat_template_kwargs"] = {"enable_thinking": False}
        return extras

    async def _answer(self, body: dict[str, Any]) -> Completion:
        answer = Answer(self._name, body["messages"], structured="response_format" in body)
        async with self._server.connect() as client, answer.within(self._endpoints.total):
            with self._server.watched():
                await read_answer(self._server, client, "/chat/completions", body, answer)
        return answer.completion()


def _find_context(model: Mapping[str, Any]) -> int | None:
    """Return what vLLM, or else llama.cpp, says of a model's context."""
    meta = read_object(model, "meta")
    sizes = (model.get("max_model_len"), meta.get("n_ctx"), meta.get("n_ctx_train"))
    return next(filter(None, map(read_count, sizes)), None)
