"""The backend for chat models: prompts out, checked answers in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from activities.artifacts.store import get_model, put_model
from activities.inference import hypotheses as suspects
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
from activities.inference.conversation import Conversation, Exchange
from activities.inference.draws import DrawnDiffs
from activities.inference.edits import EditTarget, UnchangedError, apply_edit, find_named_paths
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
from activities.inference.protocols import TOOL_CALL, ChatClient, ModelCall
from activities.localisation.localiser import Localiser
from hydranet import patches
from hydranet.contracts import (
    Candidate,
    Candidates,
    Findings,
    ImplementAnswer,
    Plan,
    PlanAnswer,
    RankAnswer,
    RankRequest,
    ReflectAnswer,
    StepRequest,
    StrategiesAnswer,
    StrategiesRequest,
)
from hydranet.errors import PatchError
from hydranet.strategy import Strategy
from hydranet.text.truncation import keep_first_lines

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.git.objects import GitObjects

# At temperature 0 a model tends to repeat the answer that was just refused.
_CORRECTION_TEMPERATURE = 0.8

_HOT = 1.0
"""The highest temperature, and that of the last draw before an attempt ends with nothing new."""

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


class _Sampling(TypedDict):
    temperature: float
    seed: int


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

    async def warm_up(self) -> None:
        """Have the model loaded."""
        await self._client.warm_up()

    async def strategies(self, request: StrategiesRequest) -> StrategiesAnswer:
        """Return the model's hypotheses as far as they hold, else strategies from what retrieval found."""
        view = await load_prompt_context(request.work, self._artifacts, self._objects, self._localiser)
        if not self._style.deliberates:
            return _offered(suspects.build_strategies((), view, _tried(request), request.count))
        count = min(request.count, _HYPOTHESES)
        talk = Conversation(self._client, ModelCall("strategies", round=request.round), load_prompt("strategies"), view)
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
        talk = Conversation(self._client, ModelCall("rank", round=request.round), load_prompt("rank"), view)
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

    async def plan(self, request: StepRequest) -> PlanAnswer:
        """Return the model's plan; the strategy's own where the model is not asked or cannot be read."""
        own = Plan(summary=request.strategy.title, steps=request.strategy.plan)
        if not self._style.deliberates:
            return PlanAnswer(plan=own)
        talk, _ = await self._talk("plan", request)
        count = self._style.investigations
        values = build_step_values(request) | {"looks": describe_investigations(count)}
        exchange = await talk.ask(values, **_sampling(request), shape=_plan_shape(count))
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

        When no answer can be used, the model gets one more chance, and is told what was wrong with the first;
        when they bring nothing but what the last attempt was, one more at a higher temperature. No call begins once the
        request's tokens are spent.
        """
        talk, view = await self._talk("implement", request)
        values = build_step_values(request) | {"file": next((snippet.place.file for snippet in talk.focus), "")}
        if request.findings:
            findings = await get_model(self._artifacts, request.findings, Findings)
            values["plan"] += f"\n\n{describe_findings(findings)}"
        drawn = await self._draw(talk, view, request, prompt_variants(values, deliberates=self._style.deliberates))
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
        exchange = await talk.ask(build_step_values(request), **_sampling(request), shape=build_schema(Reflection))
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
        form = load_prompt(name)
        call = ModelCall(purpose, request.branch, request.attempt)
        return Conversation(self._client, call, form, view, focus), view

    async def _draw(
        self, talk: Conversation, view: PromptContext, request: StepRequest, asked: Sequence[dict[str, str]]
    ) -> DrawnDiffs:
        drawn = DrawnDiffs(request.history)
        first = await talk.ask(asked[0], **_sampling(request))
        await self._take(first, view, request, drawn)
        problem = drawn.problem
        for sample in range(1, self._style.samples):
            if _is_broke(talk, request):
                break
            await self._take(
                await talk.ask(asked[sample % len(asked)], **_sampling(request, sample)), view, request, drawn
            )
        if not drawn.fresh and first.messages and not _is_broke(talk, request):
            last = await _retry(talk, first, problem, request)
            if last is not first:
                await self._take(last, view, request, drawn)
        return drawn

    async def _take(self, exchange: Exchange, view: PromptContext, request: StepRequest, drawn: DrawnDiffs) -> None:
        if not exchange.messages:
            drawn.problem = PatchError("The code does not fit into the model's context.")
            return
        try:
            drawn.add(await self._diff(exchange, view, request))
        except PatchError as problem:
            drawn.add(problem)

    async def _diff(self, exchange: Exchange, view: PromptContext, request: StepRequest) -> str:
        if not exchange.answer.strip() and exchange.finish_reason == TOOL_CALL:
            raise PatchError("The model called a tool, of which it was offered none, instead of writing a change.")
        if not exchange.answer.strip():
            limit = " before its limit: if it thinks first, raise models.thinking_tokens"
            raise PatchError(f"The model answered nothing{limit if exchange.finish_reason == 'length' else ''}.")
        await read_files(view, find_named_paths(exchange.answer, view.paths), request.work, self._objects)
        sources = {path: text for path, text in view.sources.items() if path not in view.tests}
        target = EditTarget(request.strategy.target_files, request.strategy.target_symbols)
        changed = apply_edit(exchange.answer, sources, target, truncated=exchange.finish_reason == "length")
        diff = "".join(patches.make_diff(path, sources[path], changed[path]) for path in sorted(changed))
        patches.check_diff(diff, view.tests)
        return diff


async def _retry(talk: Conversation, first: Exchange, problem: PatchError | None, request: StepRequest) -> Exchange:
    if problem is None or isinstance(problem, UnchangedError):
        # A model that sees the answer in which it changed nothing gives that answer again.
        return await talk.again(first, temperature=_HOT, seed=request.seed)
    temperature = max(_sampling(request)["temperature"], _CORRECTION_TEMPERATURE)
    return await talk.correct(first, str(problem), temperature=temperature, seed=request.seed)


def _sampling(request: StepRequest, sample: int = 0) -> _Sampling:
    # Half of the draws of a small model below 0.6 are answers that it has given before.
    temperature = 0.3 * (sample + request.attempt - 1 + min(len(request.dead), 2))
    return {"temperature": round(min(temperature, _HOT), 2), "seed": request.seed}


def _tried(request: StrategiesRequest) -> list[Strategy]:
    return [branch.strategy for branch in request.dead]


def _offered(strategies: Sequence[Strategy]) -> StrategiesAnswer:
    reason = "" if strategies else "The model offered no strategy unlike those already tried."
    return StrategiesAnswer(strategies=tuple(strategies), reason=reason)


def _is_broke(talk: Conversation, request: StepRequest) -> bool:
    return request.tokens is not None and talk.usage.tokens >= request.tokens


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
