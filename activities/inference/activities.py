"""Activities of the inference queue: one per step, whichever backend the model names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol, TypeVar

from temporalio import activity

from activities import metrics
from activities.errors import translate_errors
from hydranet.budget import Usage
from hydranet.contracts import (
    CritiqueAnswer,
    CritiqueRequest,
    ImplementAnswer,
    ModelsAnswer,
    ModelsRequest,
    PlanAnswer,
    RankAnswer,
    RankedPlaces,
    RankRequest,
    ReflectAnswer,
    ReproduceAnswer,
    ReproduceRequest,
    StepRequest,
    StrategiesAnswer,
    StrategiesRequest,
    VoteAnswer,
    VoteRequest,
    WarmUpRequest,
    Work,
)
from hydranet.strategy import TEMPLATES

if TYPE_CHECKING:
    from activities.inference.backend import Backend, Backends
    from activities.inference.broadcast import Broadcaster
    from hydranet.settings import Settings


class ModelActivities:
    """Answers questions about the models that this node calls, once their server has been started."""

    def __init__(self, settings: Settings, wait_until_served: Callable[[], Awaitable[None]] | None = None) -> None:
        self._settings = settings
        self._wait_until_served = wait_until_served

    @activity.defn
    @translate_errors
    async def ask_models(self, request: ModelsRequest) -> ModelsAnswer:
        """Return whether each model answers from here, and how fast."""
        from activities.inference.inquiry import ask_model, list_configured

        asked = request.models or list_configured(self._settings, request.purpose)
        if self._wait_until_served is not None:
            await self._wait_until_served()
        answers = [await ask_model(each, self._settings.models, measured=request.measured) for each in asked]
        return ModelsAnswer(models=tuple(answers))


class _Counted(Protocol):
    @property
    def usage(self) -> Usage: ...


_Answer = TypeVar("_Answer", bound=_Counted)


class InferenceActivities:
    """Strategies, plans, implementations and reflections; a strategy may name its own model.

    `wait_until_served` returns when calls of models may begin: they wait while their server starts. The `broadcaster`
    shows what they stream.
    """

    def __init__(
        self,
        backends: Backends,
        wait_until_served: Callable[[], Awaitable[None]] | None = None,
        broadcaster: Broadcaster | None = None,
    ) -> None:
        self._backends = backends
        self._wait_until_served = wait_until_served
        self._broadcaster = broadcaster

    @activity.defn
    @translate_errors
    async def warm_up(self, request: WarmUpRequest) -> None:
        """Have the model loaded by the time it is needed."""
        await (await self._open(request.model)).warm_up()

    @activity.defn
    @translate_errors
    async def rank_places(self, work: Work) -> RankedPlaces:
        """Return the places that may be the cause of the failure, each with its probability."""
        places = await self._backends.rank_places(work)
        return RankedPlaces(places=tuple(place.model_copy(update={"why": ""}) for place in places))

    @activity.defn
    @translate_errors
    async def reproduce(self, request: ReproduceRequest) -> ReproduceAnswer:
        """Tests that a model drafts of an issue."""
        return await self._ask(request.work, "reproduce", lambda backend: backend.reproduce(request))

    @activity.defn
    @translate_errors
    async def propose_strategies(self, request: StrategiesRequest) -> StrategiesAnswer:
        """Strategies unlike the dead ones, best first."""
        return await self._ask(request.work, "strategies", lambda backend: backend.strategies(request))

    @activity.defn
    @translate_errors
    async def rank_strategies(self, request: RankRequest) -> RankAnswer:
        """In which order to pursue strategies."""
        return await self._ask(request.work, "rank", lambda backend: backend.rank(request))

    @activity.defn
    @translate_errors
    async def vote(self, request: VoteRequest) -> VoteAnswer:
        """Which choice of a question a model takes for right."""
        return await self._ask(request.work, "vote", lambda backend: backend.vote(request))

    @activity.defn
    @translate_errors
    async def criticise(self, request: CritiqueRequest) -> CritiqueAnswer:
        """What a model notes of a fix that passes."""
        return await self._ask(request.work, "critique", lambda backend: backend.criticise(request))

    @activity.defn
    @translate_errors
    async def plan(self, request: StepRequest) -> PlanAnswer:
        """Return what the attempt means to change."""
        return await self._take_step(request, "plan", lambda backend: backend.plan(request))

    @activity.defn
    @translate_errors
    async def implement(self, request: StepRequest) -> ImplementAnswer:
        """Candidate patches for the attempt."""
        return await self._take_step(request, "implement", lambda backend: backend.implement(request))

    @activity.defn
    @translate_errors
    async def reflect(self, request: StepRequest) -> ReflectAnswer:
        """Return what the failed attempt teaches."""
        return await self._take_step(request, "reflect", lambda backend: backend.reflect(request))

    async def _take_step(
        self, request: StepRequest, purpose: str, ask: Callable[[Backend], Awaitable[_Answer]]
    ) -> _Answer:
        """Ask for a step of an attempt, whose strategy may name its own model."""
        work = request.work.model_copy(update={"model": request.strategy.model or request.work.model})
        return await self._ask(work, purpose, ask, request.branch, request.attempt)

    async def _ask(
        self,
        work: Work,
        purpose: str,
        ask: Callable[[Backend], Awaitable[_Answer]],
        branch: int | None = None,
        attempt: int | None = None,
    ) -> _Answer:
        """Ask a backend, show what it streams, and count what it cost."""
        backend = await self._open(work.model)
        with self._show(work, purpose, branch, attempt):
            answer = await ask(backend)
        metrics.count_tokens(purpose, answer.usage)
        return answer

    async def _open(self, model: str) -> Backend:
        if self._wait_until_served is not None and model != TEMPLATES:
            await self._wait_until_served()
        return self._backends.get(model)

    def _show(self, work: Work, purpose: str, branch: int | None, attempt: int | None) -> AbstractContextManager[None]:
        if self._broadcaster is None or work.model == TEMPLATES:
            return nullcontext()
        return self._broadcaster.show(work.run_id, purpose, branch, attempt, work.model)
