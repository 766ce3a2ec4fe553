"""The backend "ollama": a model of an Ollama server, through the official client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, cast

import httpx
from ollama import AsyncClient, ChatResponse, ListResponse, ResponseError

from activities.inference.addresses import find_auth, resolve_ollama
from activities.inference.http_errors import Server
from activities.inference.protocols import Completion, Description, Message, ModelCall
from activities.inference.stream import Answer
from hydranet.errors import TransientError
from hydranet.settings import ModelSettings
from hydranet.text.escaping import format_command

# The tests run between two calls; the model should still be loaded then.
_KEEP_ALIVE = "15m"

# Our prompts and answers are far shorter. A changing size would make Ollama load the model again.
_CONTEXT = 8192

# Of dense code; ordinary code has more than four.
_CHARACTERS_PER_TOKEN = 3

# So that it can be named in a request.
_NAME_CHARACTERS = 100

_COMMON_MEMORY = 12 * 2**30


class OllamaClient:
    """The model `name` of the Ollama server of `endpoints`."""

    def __init__(self, name: str, endpoints: ModelSettings) -> None:
        self._name = name
        self._host, login = resolve_ollama(endpoints)
        self._endpoints = endpoints
        self._server = Server(
            self._host,
            f"The model {name} is not pulled at {self._host}; run `{format_command('ollama', 'pull', name)}`.",
            endpoints,
            httpx.BasicAuth(*login) if login else find_auth(self._host, endpoints),
        )
        self._context: int | None = None

    async def complete(
        self,
        call: ModelCall,  # noqa: ARG002
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None,
        temperature: float,
        seed: int,
        max_tokens: int,
    ) -> Completion:
        """Return the model's answer; cancelling closes the stream, upon which Ollama stops generating."""
        answer = Answer(self._name, messages)
        most = max_tokens + self._endpoints.thinking_tokens
        options = {"temperature": temperature, "seed": seed, "num_predict": most}
        async with self.connect() as client, answer.within(self._endpoints.total):
            with self.guarded():
                size = options["num_ctx"] = await self._context_size(client)
                # Ollama would leave out the beginning of a longer prompt and say nothing.
                if answer.asked_characters > (size - most) * _CHARACTERS_PER_TOKEN:
                    raise self._server.overflow()
                await self._read(client, answer, schema, options)
        return answer.completion()

    async def warm_up(self) -> None:
        """Load the model with the context that answers will use; another one would load it again."""
        async with self.connect() as client:
            with self.guarded():
                options = {"num_ctx": await self._context_size(client)}
                await client.generate(self._name, options=options, keep_alive=_KEEP_ALIVE)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text; what is longer than the model's context is cut."""
        async with self.connect() as client:
            with self.guarded():
                answer = await client.embed(self._name, texts, truncate=True, keep_alive=_KEEP_ALIVE)
        return [list(vector) for vector in answer.embeddings]

    async def describe(self) -> Description:
        """Return the model's size, quantisation and context, and whether it is loaded, and where."""
        async with self.connect() as client:
            with self.guarded():
                shown = await client.show(self._name)
                running = (await client.ps()).models
        loaded = next((item for item in running if self._name in (item.model, item.name)), None)
        words = [shown.details.parameter_size, shown.details.quantization_level] if shown.details else []
        return Description(
            self._name,
            self._host,
            kind=", ".join(word[:60] for word in words if word),
            context=_trained_context(shown.modelinfo) or None,
            loaded=loaded is not None,
            size=int(loaded.size) if loaded and loaded.size is not None else None,
            vram=int(loaded.size_vram) if loaded and loaded.size_vram is not None else None,
        )

    def connect(self) -> AsyncClient:
        """Return a client whose failures are ours."""
        return AsyncClient(self._host, **self._server.client_options())

    async def _context_size(self, client: AsyncClient) -> int:
        if self._context is None:
            trained = _trained_context((await client.show(self._name)).modelinfo)
            wanted = _CONTEXT + self._endpoints.thinking_tokens
            self._context = min(trained or wanted, wanted)
        return self._context

    async def _read(
        self, client: AsyncClient, answer: Answer, schema: Mapping[str, Any] | None, options: dict[str, Any]
    ) -> None:
        stream = await client.chat(
            self._name,
            answer.messages,
            stream=True,
            think=None if self._endpoints.thinking_tokens else False,
            format=dict(schema) if schema is not None else None,
            options=options,
            keep_alive=_KEEP_ALIVE,
        )
        async with aclosing(self._server.paced(cast("AsyncGenerator[ChatResponse, None]", stream))) as parts:
            async for part in parts:
                answer.add(part.message.content or "", thoughts=part.message.thinking or "")
                if part.done:
                    answer.finish_reason = part.done_reason or "stop"
                    answer.prompt_tokens = part.prompt_eval_count or 0
                    answer.output_tokens = part.eval_count or 0
                if answer.full:
                    return
        if not answer.finish_reason:
            raise TransientError(f"{self._host} ended its answer in the middle.")

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn what the client raises into our errors."""
        with self._server.watched():
            try:
                yield
            except ResponseError as error:
                # An error within a stream has no status.
                status = error.status_code if error.status_code > 0 else 500
                raise self._server.refusal(status, error.error) from None


def _trained_context(modelinfo: Mapping[str, Any] | None) -> int:
    sizes = [value for key, value in (modelinfo or {}).items() if key.endswith(".context_length")]
    return sizes[0] if sizes and isinstance(sizes[0], int) else 0


async def choose_coder(settings: ModelSettings) -> str | None:
    """Return the pulled model to use when the user names none: a coder model, the largest of common size."""
    client = OllamaClient("", settings)
    async with client.connect() as connection:
        with client.guarded():
            pulled = (await connection.list()).models
    usable = [
        item for item in pulled if item.model and "embed" not in item.model and len(item.model) <= _NAME_CHARACTERS
    ]
    best = max(usable, key=_worth, default=None)
    return None if best is None else best.model


def _worth(pulled: ListResponse.Model) -> tuple[bool, float]:
    name, size = pulled.model or "", float(pulled.size or 0)
    # Larger is better as far as it fits into the memory of a common machine, worse beyond that.
    return "code" in name or "devstral" in name, size if size <= _COMMON_MEMORY else -size
