"""Activities of the inference queue: one per step, whichever backend the model names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from temporalio import activity

from activities import metrics
from activities.errors import translate_errors
from hydranet.contracts import (
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
    WarmUpRequest,
    Work,
)
from hydranet.strategy import TEMPLATES

if TYPE_CHECKING:
    from activities.inference.backend import Backend, Backends
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


class InferenceActivities:
    """Strategies, plans, implementations and reflections; a strategy may name its own model.

    `wait_until_served` returns when calls of models may begin: they wait while their server starts.
    """

    def __init__(self, backends: Backends, wait_until_served: Callable[[], Awaitable[None]] | None = None) -> None:
        self._backends = backends
        self._wait_until_served = wait_until_served

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
        answer = await (await self._open(request.work.model)).reproduce(request)
        metrics.count_tokens("reproduce", answer.usage)
        return answer

    @activity.defn
    @translate_errors
    async def propose_strategies(self, request: StrategiesRequest) -> StrategiesAnswer:
        """Strategies unlike the dead ones, best first."""
        answer = await (await self._open(request.work.model)).strategies(request)
        metrics.count_tokens("strategies", answer.usage)
        return answer

    @activity.defn
    @translate_errors
    async def rank_strategies(self, request: RankRequest) -> RankAnswer:
        """In which order to pursue strategies."""
        answer = await (await self._open(request.work.model)).rank(request)
        metrics.count_tokens("rank", answer.usage)
        return answer

    @activity.defn
    @translate_errors
    async def plan(self, request: StepRequest) -> PlanAnswer:
        """Return what the attempt means to change."""
        answer = await (await self._open_for(request)).plan(request)
        metrics.count_tokens("plan", answer.usage)
        return answer

    @activity.defn
    @translate_errors
    async def implement(self, request: StepRequest) -> ImplementAnswer:
        """Candidate patches for the attempt."""
        answer = await (await self._open_for(request)).implement(request)
        metrics.count_tokens("implement", answer.usage)
        return answer

    @activity.defn
    @translate_errors
    async def reflect(self, request: StepRequest) -> ReflectAnswer:
        """Return what the failed attempt teaches."""
        answer = await (await self._open_for(request)).reflect(request)
        metrics.count_tokens("reflect", answer.usage)
        return answer

    async def _open_for(self, request: StepRequest) -> Backend:
        return await self._open(request.strategy.model or request.work.model)

    async def _open(self, model: str) -> Backend:
        if self._wait_until_served is not None and model != TEMPLATES:
            await self._wait_until_served()
        return self._backends.get(model)
