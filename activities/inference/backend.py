"""Model backends: the protocol, the registry, and what a model specification means."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from activities.inference.addresses import check_endpoint, hide_login, name_ollama_setting
from activities.inference.protocols import ChatClient, Description, EmbeddingClient, ModelCall
from activities.localisation.localiser import Localiser
from activities.localisation.places import list_places
from hydranet.bounded_models import NAME_CHARACTERS
from hydranet.contracts import (
    CritiqueAnswer,
    CritiqueRequest,
    ImplementAnswer,
    Place,
    PlanAnswer,
    RankAnswer,
    RankRequest,
    ReflectAnswer,
    ReproduceAnswer,
    ReproduceRequest,
    StepRequest,
    StrategiesAnswer,
    StrategiesRequest,
    VoteAnswer,
    VoteRequest,
    Work,
)
from hydranet.errors import FatalError, TransientError, UsageError
from hydranet.settings import ModelSettings
from hydranet.strategy import TEMPLATES

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.git.objects import GitObjects
    from hydranet.budget import Usage


PLACES = 40
"""How many places a run weighs: those behind are less likely than that none of the list is right."""

# A server that takes longer than this to say what it has is taken as one that does not answer.
_PROBE_SECONDS = 10.0
_DISCOVERY_SECONDS = 1.0

_MEASURED_TEXTS = 16


class Backend(Protocol):
    """Whatever can look for a fix: it names strategies, plans, makes candidate patches and reflects.

    A step that comes to nothing is an answer with a reason; TransientError means that the same call
    may succeed later, FatalError that it never will.
    """

    async def warm_up(self) -> None:
        """Load what takes time to load."""
        ...

    async def reproduce(self, request: ReproduceRequest) -> ReproduceAnswer:
        """Tests that are to fail as the issue says."""
        ...

    async def strategies(self, request: StrategiesRequest) -> StrategiesAnswer:
        """Strategies unlike the dead ones, best first."""
        ...

    async def rank(self, request: RankRequest) -> RankAnswer:
        """In which order to pursue strategies, as they are where it cannot tell."""
        ...

    async def vote(self, request: VoteRequest, /) -> VoteAnswer:
        """Which choice of a question is right."""
        ...

    async def criticise(self, request: CritiqueRequest, /) -> CritiqueAnswer:
        """What is wrong with a fix that passes."""
        ...

    async def plan(self, request: StepRequest) -> PlanAnswer:
        """Return what the attempt means to change."""
        ...

    async def implement(self, request: StepRequest) -> ImplementAnswer:
        """Candidate patches against the request's checkpoint."""
        ...

    async def reflect(self, request: StepRequest) -> ReflectAnswer:
        """Return what the failed attempt teaches."""
        ...


class Backends:
    """The backends of this node by model specification, each made once."""

    def __init__(self, artifacts: ArtifactStore, objects: GitObjects, settings: ModelSettings) -> None:
        self._artifacts = artifacts
        self._objects = objects
        self._settings = settings
        self._localiser = Localiser(artifacts, objects)
        self._made: dict[str, Backend] = {}

    def get(self, model: str) -> Backend:
        """Return the backend for `model`; UsageError when there is no such form of model."""
        if model not in self._made:
            self._made[model] = self._make(model)
        return self._made[model]

    async def rank_places(self, work: Work) -> tuple[Place, ...]:
        """Return the places that may be the cause of the failure at the checkpoint of `work`, likeliest first."""
        return list_places(await self._localiser.localise(work), PLACES)

    async def warm_up(self) -> None:
        """Have the server load every chat model that has been asked for. Raises TransientError, FatalError."""
        for model in self.models:
            await self.get(model).warm_up()

    @property
    def models(self) -> list[str]:
        """The chat models that have been asked for so far."""
        return [model for model in self._made if model != TEMPLATES]

    def _make(self, model: str) -> Backend:
        if model == TEMPLATES:
            from activities.repair.backend import TemplatesBackend

            return TemplatesBackend(self._artifacts, self._objects, self._localiser)
        from activities.inference.chat import ChatBackend
        from activities.inference.model_profile import find_profile

        client = connect(model, self._settings)
        profile = find_profile(model, self._settings)
        return ChatBackend(client, profile, self._artifacts, self._objects, self._localiser)


def connect(model: str, settings: ModelSettings) -> ChatClient:
    """Return the client of a chat model; UsageError, naming the forms there are, for any other `model`."""
    form, _, rest = model.partition(":")
    url, _, name = rest.rpartition("#")
    if len(model) > NAME_CHARACTERS:
        raise UsageError(f"The model's name is longer than {NAME_CHARACTERS} characters: shorten it.")
    if form == "ollama" and rest and "//" not in rest:
        from activities.inference.ollama import OllamaClient

        return OllamaClient(rest, settings)
    if form == "openai" and name and url.startswith(("http://", "https://")):
        from activities.inference.openai_compatible import OpenAIClient

        return OpenAIClient(check_endpoint(url, settings), name, settings)
    if form == "scripted" and rest:
        from activities.inference.scripted import ScriptedClient

        return ScriptedClient(Path(rest))
    shown = hide_login(model)
    raise UsageError(
        f"'{shown}' is not a model; write templates, ollama:NAME, openai:http://HOST:PORT/v1#NAME or scripted:FILE."
    )


def connect_embeddings(model: str, settings: ModelSettings) -> EmbeddingClient:
    """Return the client of an embedding model; UsageError, naming the forms there are, for any other `model`."""
    client = connect(model, settings) if model.startswith(("ollama:", "openai:")) else None
    if isinstance(client, EmbeddingClient):
        return client
    raise UsageError(
        f"'{hide_login(model)}' is not an embedding model; write ollama:NAME or openai:http://HOST:PORT/v1#NAME."
    )


async def probe(model: str, settings: ModelSettings) -> Description:
    """Return what answers as `model`; UsageError when nothing does, or when it lacks the model."""
    if model == TEMPLATES:
        return Description("repair templates", "every inference worker", kind="no model")
    client = connect(model, settings)
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            return await client.describe()
    except TimeoutError:
        raise UsageError(f"The model {model} does not answer within {_PROBE_SECONDS:g} seconds.") from None
    except FatalError as error:
        raise UsageError(str(error)) from None
    except TransientError as error:
        raise UsageError(f"{str(error).rstrip('.')}; start the server, or choose another model.") from None


async def measure(model: str, settings: ModelSettings) -> Usage:
    """Return what a short question to a chat model costs; the first one may have to wait until the model is loaded."""
    question = [{"role": "user", "content": "Count from 1 to 30, with a space after each number."}]
    client = connect(model, settings)
    answer = await client.complete(ModelCall("plan"), question, schema=None, temperature=0.0, seed=0, max_tokens=64)
    return answer.usage


async def measure_embeddings(model: str, settings: ModelSettings) -> tuple[int, float]:
    """Return the length of an embedding model's vectors, and its short texts per second once it is loaded."""
    client = connect_embeddings(model, settings)
    texts = [f"def double_{number}(value):\n    return value * 2\n" for number in range(_MEASURED_TEXTS)]
    await client.embed(texts[:1])
    started = time.monotonic()
    vectors = await client.embed(texts)
    if len(vectors) != len(texts):
        raise FatalError(f"The model {model} does not make a vector for each text: name an embedding model.")
    return len(vectors[0]), len(texts) / (time.monotonic() - started)


async def choose_default_model(settings: ModelSettings) -> str:
    """Return the best coder model of Ollama; the templates where no server was named and none has a model.

    Raises UsageError when a server that the user named does not answer or has no model.
    """
    from activities.inference.ollama import choose_coder

    setting = name_ollama_setting(settings)
    seconds = _PROBE_SECONDS if setting else _DISCOVERY_SECONDS
    try:
        async with asyncio.timeout(seconds):
            name = await choose_coder(settings)
    except (TimeoutError, FatalError, TransientError) as error:
        if not setting:
            return TEMPLATES
        reason = str(error).rstrip(".") or f"Ollama does not answer within {seconds:g} seconds"
        raise UsageError(
            f"{reason}. {setting} names that server: start it, correct the address, or choose --model templates."
        ) from None
    if setting and not name:
        raise UsageError(
            f"The server that {setting} names has no model for code: run `ollama pull qwen2.5-coder:7b` there, "
            "or choose --model templates."
        )
    return f"ollama:{name}" if name else TEMPLATES
