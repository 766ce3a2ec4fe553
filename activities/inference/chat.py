"""The backend for chat models: prompts out, checked answers in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from activities.artifacts.store import get_model, put_model
from activities.code.drafts import DraftError
from activities.inference import hypotheses as suspects
from activities.inference.advice import Adviser
from activities.inference.answers import (
    KINDS,
    AnswerError,
    CuriousPlanWords,
    Hypothesis,
    PlanWords,
    Ranking,
    Reflection,
    build_schema,
    parse_answer,
    parse_hypotheses,
)
from activities.inference.conversation import Conversation
from activities.inference.drawing import Drawing, choose_sampling
from activities.inference.model_profile import ModelProfile
from activities.inference.prompt_context import PromptContext, load_prompt_context
from activities.inference.prompt_context import read_files as read_files
from activities.inference.prompt_values import (
    build_step_values,
    describe_change,
    describe_dead_branch,
    describe_findings,
    describe_hypothesis,
    describe_investigations,
    prompt_variants,
)
from activities.inference.prompts import load_prompt
from activities.inference.protocols import ChatClient, ModelCall
from activities.inference.questions import Question, build_question
from activities.inference.reproduction import (
    DRAWS,
    TEST_FILES,
    build_values,
    choose_example,
    choose_temperature,
    list_test_files,
    read_answer,
)
from activities.localisation.localiser import Localiser
from hydranet.contracts import (
    Candidate,
    Candidates,
    CritiqueAnswer,
    CritiqueRequest,
    Expectation,
    Findings,
    ImplementAnswer,
    Plan,
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
)
from hydranet.strategy import Strategy
from hydranet.text.truncation import keep_first_lines

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.git.objects import GitObjects

_DEAD_SHOWN = 6

# The most hypotheses that a model is asked for at once: the first are its best.
_HYPOTHESES = 3

_RANKING = {
    "type": "object",
    "properties": {"order": {"type": "array", "items": {"type": "integer"}}},
    "required": ["order"],
    "additionalProperties": False,
}

_Step = Literal["plan", "implement", "reflect"]
# A server turns them into a grammar, whose size is limited.
_PLACES_TO_AIM_AT = 20


class ChatBackend:
    """Looks for a fix with a chat model.

    What a model says is never trusted to be what was asked for: an answer that cannot be used gives
    a step that says so.
    """

    def __init__(
        self,
        client: ChatClient,
        style: ModelProfile,
        artifacts: ArtifactStore,
        objects: GitObjects,
        localiser: Localiser | None = None,
    ) -> None:
        self._client = client
        self._style = style
        self._artifacts = artifacts
        self._objects = objects
        self._localiser = localiser or Localiser(artifacts, objects)
        self._adviser = Adviser(client, style, artifacts, objects, self._localiser)

    async def warm_up(self) -> None:
        """Have the model loaded."""
        await self._client.warm_up()

    async def reproduce(self, request: ReproduceRequest) -> ReproduceAnswer:
        """Return the tests in the model's answers, hotter from draw to draw; none of those that cannot be used."""
        view = await load_prompt_context(request.work, self._artifacts, self._objects, self._localiser)
        await read_files(view, list_test_files(view.paths)[:TEST_FILES], request.work, self._objects)
        example = await asyncio.to_thread(choose_example, view)
        talk = Conversation(self._client, ModelCall("reproduce"), Question(load_prompt("reproduce")), view)
        values = build_values(view, example)
        drafts: list[Expectation] = []
        refused: list[str] = []
        for draw in range(DRAWS):
            if request.tokens is not None and talk.usage.tokens >= request.tokens:
                break
            exchange = await talk.ask(values, temperature=choose_temperature(draw), seed=request.seed)
            if not exchange.messages:
                refused.append(f"draft {draw + 1}: the code does not fit into the model's context")
                continue
            try:
                drafts += read_answer(exchange.answer, example.helpers, f"draft {draw + 1}")
            except DraftError as error:
                refused.append(f"draft {draw + 1}: {error}")
        return ReproduceAnswer(
            drafts=tuple(drafts),
            draws=len(talk.exchanges),
            refused=tuple(refused),
            prompt=talk.form.id,
            usage=talk.usage,
            transcript=await put_model(self._artifacts, talk.transcript(request.work.model)),
        )

    async def strategies(self, request: StrategiesRequest) -> StrategiesAnswer:
        """Return the model's hypotheses as far as they hold, else strategies from what retrieval found."""
        view = await load_prompt_context(request.work, self._artifacts, self._objects, self._localiser)
        if not self._style.deliberates:
            return _offered(suspects.build_strategies((), view, _tried(request), request.count))
        count = min(request.count, _HYPOTHESES)
        talk = Conversation(
            self._client, ModelCall("strategies", round=request.round), Question(load_prompt("strategies")), view
        )
        strategies = await talk.ask(
            {
                "dead": "\n".join(map(describe_dead_branch, request.dead[-_DEAD_SHOWN:])),
                "instruction": request.instruction,
                "count": str(count),
                "kinds": ", ".join(KINDS),
            },
            temperature=min(0.2 * request.round, 0.8),
            seed=request.seed,
            shape=_hypotheses_shape(view, count),
        )
        try:
            hypotheses = parse_hypotheses(strategies.answer)
        except AnswerError:
            hypotheses = []
        await read_files(view, suspects.mentioned(hypotheses, view.paths)[:8], request.work, self._objects)
        return _offered(suspects.build_strategies(hypotheses, view, _tried(request), request.count)).model_copy(
            update={
                "prompt": talk.form.id,
                "usage": talk.usage,
                "transcript": await put_model(self._artifacts, talk.transcript(request.work.model)),
            }
        )

    async def rank(self, request: RankRequest) -> RankAnswer:
        """Return the model's order; the one they have where its answer names none."""
        view = await load_prompt_context(request.work, self._artifacts, self._objects, self._localiser)
        talk = Conversation(self._client, ModelCall("rank", round=request.round), Question(load_prompt("rank")), view)
        numbered = enumerate(request.strategies, 1)
        exchange = await talk.ask(
            {
                "dead": "\n".join(map(describe_dead_branch, request.dead[-_DEAD_SHOWN:])),
                "hypotheses": "\n".join(f"{number}. {describe_hypothesis(strategy)}" for number, strategy in numbered),
            },
            temperature=0.0,
            seed=request.seed,
            shape=_RANKING,
        )
        try:
            ranking = parse_answer(exchange.answer, Ranking)
        except AnswerError:
            ranking = Ranking()
        return RankAnswer(
            order=tuple(ranking.places(len(request.strategies))),
            prompt=talk.form.id,
            usage=talk.usage,
            transcript=await put_model(self._artifacts, talk.transcript(request.work.model)),
        )

    async def vote(self, request: VoteRequest) -> VoteAnswer:
        """Return the choice that the model takes for right."""
        return await self._adviser.vote(request)

    async def criticise(self, request: CritiqueRequest) -> CritiqueAnswer:
        """Return what the model notes of a fix."""
        return await self._adviser.criticise(request)

    async def plan(self, request: StepRequest) -> PlanAnswer:
        """Return the model's plan; the strategy's own where the model is not asked or cannot be read."""
        own = Plan(summary=request.strategy.title, steps=request.strategy.plan)
        if not self._style.deliberates:
            return PlanAnswer(plan=own)
        talk, _ = await self._talk("plan", request)
        count = self._style.investigations
        values = build_step_values(request) | {"looks": describe_investigations(count)}
        exchange = await talk.ask(values, **choose_sampling(request), shape=_plan_shape(count))
        try:
            words = parse_answer(exchange.answer, CuriousPlanWords)
            plan = Plan(summary=words.summary or request.strategy.title, steps=words.steps)
            investigate = tuple(dict.fromkeys(words.investigate))[:count]
        except AnswerError:
            plan, investigate = own, ()
        return PlanAnswer(
            plan=plan,
            investigate=investigate,
            prompt=talk.form.id,
            usage=talk.usage,
            transcript=await put_model(self._artifacts, talk.transcript(_model(request))),
        )

    async def implement(self, request: StepRequest) -> ImplementAnswer:
        """As many candidates as the style says, the same asked in different ways.

        No call begins once the request's tokens are spent.
        """
        talk, view = await self._talk("implement", request)
        values = build_step_values(request) | {
            "file": next((snippet.place.file for snippet in talk.question.focus), "")
        }
        if request.findings:
            findings = await get_model(self._artifacts, request.findings, Findings)
            values["plan"] += f"\n\n{describe_findings(findings)}"
        drawing = Drawing(talk, view, request, self._style, self._objects)
        drawn = await drawing.draw(prompt_variants(values, deliberates=self._style.deliberates))
        diffs = drawn.fresh or drawn.diffs
        summary = request.plan.summary if request.plan else request.strategy.title
        titles = (summary if self._style.deliberates else describe_change(diff) for diff in diffs)
        batch = Candidates(
            candidates=tuple(Candidate(diff=diff, title=title) for diff, title in zip(diffs, titles, strict=True))
        )
        return ImplementAnswer(
            candidates=await put_model(self._artifacts, batch) if diffs else None,
            count=len(diffs),
            summary=summary,
            reason="" if diffs else drawn.explain(),
            draws=drawn.counts,
            shown=view.shown,
            prompt=talk.form.id,
            usage=talk.usage,
            transcript=await put_model(self._artifacts, talk.transcript(_model(request))),
        )

    async def reflect(self, request: StepRequest) -> ReflectAnswer:
        """Return the model's lesson and what it would try next; nothing where it is not asked."""
        if not self._style.deliberates:
            return ReflectAnswer()
        talk, _ = await self._talk("reflect", request)
        exchange = await talk.ask(
            build_step_values(request), **choose_sampling(request), shape=build_schema(Reflection)
        )
        try:
            words = parse_answer(exchange.answer, Reflection)
            reflection = " ".join(filter(None, (words.lesson.strip(), words.next.strip())))
            look_at = tuple(name[:200] for name in words.look_at[:3])
        except AnswerError:
            reflection, look_at = keep_first_lines(exchange.answer.strip(), 300), ()
        return ReflectAnswer(
            reflection=reflection,
            look_at=look_at,
            prompt=talk.form.id,
            usage=talk.usage,
            transcript=await put_model(self._artifacts, talk.transcript(_model(request))),
        )

    async def _talk(self, purpose: _Step, request: StepRequest) -> tuple[Conversation, PromptContext]:
        view = await load_prompt_context(request.work, self._artifacts, self._objects, self._localiser)
        strategy = request.strategy
        await read_files(view, strategy.target_files, request.work, self._objects)
        focus = view.focus(strategy.target_files, strategy.target_symbols)
        file = view.sources.get(focus[0].place.file, "") if focus else ""
        name = self._style.prompt(focus, file, len(request.dead)) if purpose == "implement" else purpose
        call = ModelCall(purpose, request.branch, request.attempt)
        question = build_question(name, view, focus, request.attempt - 1)
        return Conversation(self._client, call, question, view, self._style.room), view


def _tried(request: StrategiesRequest) -> list[Strategy]:
    return [branch.strategy for branch in request.dead]


def _offered(strategies: Sequence[Strategy]) -> StrategiesAnswer:
    reason = "" if strategies else "The model offered no strategy unlike those already tried."
    return StrategiesAnswer(strategies=tuple(strategies), reason=reason)


def _model(request: StepRequest) -> str:
    return request.strategy.model or request.work.model


def _plan_shape(count: int) -> dict[str, Any]:
    return build_schema(CuriousPlanWords, {"investigate": {"maxItems": count}}) if count else build_schema(PlanWords)


def _hypotheses_shape(view: PromptContext, count: int) -> dict[str, Any]:
    """Return the JSON schema of hypotheses, which can only aim at what is shown."""
    places = [place for place in view.places[:_PLACES_TO_AIM_AT] if not view.is_test(place.file)]
    files = list(dict.fromkeys(place.file for place in places))
    symbols = list(dict.fromkeys(place.symbol for place in places if place.symbol))
    shape = build_schema(
        Hypothesis,
        {
            "kind": {"enum": list(KINDS)},
            "target_files": _some_of(files),
            "target_symbols": _some_of(symbols),
        },
    )
    return {
        "type": "object",
        "properties": {"strategies": {"type": "array", "items": shape, "minItems": 1, "maxItems": count}},
        "required": ["strategies"],
        "additionalProperties": False,
    }


def _some_of(names: list[str]) -> dict[str, Any]:
    items = {"type": "string", "enum": names} if names else {"type": "string"}
    return {"items": items, "minItems": 1, "maxItems": 2}
