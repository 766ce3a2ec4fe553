"""The backend "ollama": a model of an Ollama server."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from activities.inference.addresses import find_auth, resolve_ollama
from activities.inference.events import read_count, read_list, read_object, read_vectors
from activities.inference.http_errors import Server
from activities.inference.protocols import Completion, Description, Message, ModelCall
from activities.inference.stream import Answer, read_answer
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

# What Ollama gives a file that is imported without a template: the model is not told who speaks.
_BARE_TEMPLATE = re.compile(r"\s*\{\{-?\s*\.Prompt\s*-?\}\}\s*")

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
        answer = Answer(self._name, messages, structured=schema is not None)
        most = max_tokens + self._endpoints.thinking_tokens
        options = {"temperature": temperature, "seed": seed, "num_predict": most}
        async with self._server.connect() as client, answer.within(self._endpoints.total):
            with self._server.watched():
                size = options["num_ctx"] = await self._context_size(client)
                # Ollama would leave out the beginning of a longer prompt and say nothing.
                if answer.asked_characters > (size - most) * _CHARACTERS_PER_TOKEN:
                    raise self._server.overflow()
                body = {
                    "model": self._name,
                    "messages": list(messages),
                    "stream": True,
                    "options": options,
                    "keep_alive": _KEEP_ALIVE,
                }
                if not self._endpoints.thinking_tokens:
                    body["think"] = False
                if schema is not None:
                    body["format"] = dict(schema)
                await read_answer(self._server, client, "/api/chat", body, answer)
        return answer.completion()

    async def warm_up(self) -> None:
        """Load the model with the context that answers will use; another one would load it again."""
        async with self._server.connect() as client:
            with self._server.watched():
                options = {"num_ctx": await self._context_size(client)}
                body = {"model": self._name, "stream": False, "options": options, "keep_alive": _KEEP_ALIVE}
                await self._server.fetch(client, "/api/generate", body)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text; what is longer than the model's context is cut."""
        body = {"model": self._name, "input": list(texts), "truncate": True, "keep_alive": _KEEP_ALIVE}
        async with self._server.connect() as client:
            with self._server.watched():
                return read_vectors((await self._server.fetch(client, "/api/embed", body)).get("embeddings"))

    async def describe(self) -> Description:
        """Return the model's size, quantisation and context, and whether it is loaded, and where."""
        async with self._server.connect() as client:
            with self._server.watched():
                shown = await self._show(client)
                running = read_list(await self._server.fetch(client, "/api/ps"), "models")
                details = read_object(shown, "details")
                context = _trained_context(shown)
        loaded = next((item for item in running if self._name in (item.get("model"), item.get("name"))), None)
        words = (details.get("parameter_size"), details.get("quantization_level"))
        return Description(
            self._name,
            self._host,
            kind=", ".join(word[:60] for word in words if word and isinstance(word, str)),
            context=context or None,
            loaded=loaded is not None,
            size=read_count(loaded.get("size")) if loaded else None,
            vram=read_count(loaded.get("size_vram")) if loaded else None,
            warning=self._warn_of_template(shown),
        )

    async def list_models(self) -> list[Mapping[str, Any]]:
        """Return the models that are pulled, as the server describes them."""
        async with self._server.connect() as client:
            with self._server.watched():
                return read_list(await self._server.fetch(client, "/api/tags"), "models")

    def _warn_of_template(self, shown: Mapping[str, Any]) -> str:
        if not _BARE_TEMPLATE.fullmatch(str(shown.get("template") or "")):
            return ""
        return (
            f"The model {self._name} has no chat template at {self._host}, so its answers will make no sense: import "
            "it again with the TEMPLATE of its family in the Modelfile, or pull it from Ollama's library."
        )

    async def _show(self, client: httpx.AsyncClient) -> Mapping[str, Any]:
        return await self._server.fetch(client, "/api/show", {"model": self._name})

    async def _context_size(self, client: httpx.AsyncClient) -> int:
        if self._context is None:
            trained = _trained_context(await self._show(client))
            wanted = _CONTEXT + self._endpoints.thinking_tokens
            self._context = min(trained or wanted, wanted)
        return self._context


def _trained_context(shown: Mapping[str, Any]) -> int:
    sizes = [value for key, value in read_object(shown, "model_info").items() if key.endswith(".context_length")]
    return read_count(sizes[0]) if sizes else 0


async def choose_coder(settings: ModelSettings) -> str | None:
    """Return the pulled model to use when the user names none: a coder model, the largest of common size."""
    pulled = await OllamaClient("", settings).list_models()
    sizes = {str(item.get("model") or ""): read_count(item.get("size")) for item in pulled}
    usable = [name for name in sizes if name and "embed" not in name and len(name) <= _NAME_CHARACTERS]
    return max(usable, key=lambda name: _worth(name, sizes[name]), default=None)


def _worth(name: str, size: int) -> tuple[bool, int]:
    # Larger is better as far as it fits into the memory of a common machine, worse beyond that.
    return "code" in name or "devstral" in name, size if size <= _COMMON_MEMORY else -size
