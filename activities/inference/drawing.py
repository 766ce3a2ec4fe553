"""The draws of one attempt: one question after another, and the diffs that the answers make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from activities.inference.conversation import Conversation, Exchange
from activities.inference.draws import DrawnDiffs
from activities.inference.edits import EditTarget, UnchangedError, apply_edit, find_named_paths
from activities.inference.model_profile import ModelProfile
from activities.inference.prompt_context import PromptContext, read_files
from activities.inference.protocols import TOOL_CALL
from activities.inference.questions import Question, build_question
from hydranet import patches
from hydranet.contracts import StepRequest
from hydranet.errors import PatchError

if TYPE_CHECKING:
    from activities.git.objects import GitObjects

# At temperature 0 a model tends to repeat the answer that was just refused.
_CORRECTION_TEMPERATURE = 0.8

_HOT = 1.0
"""The highest temperature, and that of the last draw before an attempt ends with nothing new."""


class Sampling(TypedDict):
    """How an answer is drawn."""

    temperature: float
    seed: int


def choose_sampling(request: StepRequest, sample: int = 0) -> Sampling:
    """Return the sampling of a step's draw: each draw, attempt and dead branch is hotter than the one before."""
    # Half of the draws of a small model below 0.6 are answers that it has given before.
    temperature = 0.3 * (sample + request.attempt - 1 + min(len(request.dead), 2))
    return {"temperature": round(min(temperature, _HOT), 2), "seed": request.seed}


@dataclass
class Drawing:
    """Asks for the changes of one attempt, and reads the answers."""

    talk: Conversation
    view: PromptContext
    request: StepRequest
    style: ModelProfile
    objects: GitObjects
    drawn: DrawnDiffs = field(init=False)

    def __post_init__(self) -> None:
        self.drawn = DrawnDiffs(self.request.history)

    async def draw(self, asked: Sequence[dict[str, str]]) -> DrawnDiffs:
        """Return what the answers come to; each is asked for with the next values of `asked`.

        When no answer can be used, the model gets one more chance, and is told what was wrong with the first; when they
        bring nothing but what the last attempt was, one more at a higher temperature.
        """
        talk, request, drawn = self.talk, self.request, self.drawn
        first = await talk.ask(asked[0], **choose_sampling(request))
        await self._take(first, talk.question)
        problem = drawn.problem
        for sample in range(1, self.style.samples):
            if self._is_broke():
                break
            question = self._choose_question()
            values = asked[sample % len(asked)]
            exchange = await talk.ask(values, **choose_sampling(request, sample), question=question)
            await self._take(exchange, question)
        if drawn.fresh or not first.messages or self._is_broke():
            return drawn
        if problem is None or isinstance(problem, UnchangedError):
            # A model that sees the answer in which it changed nothing gives that answer again.
            question = self._choose_question()
            await self._take(await talk.ask(asked[0], temperature=_HOT, seed=request.seed, question=question), question)
            return drawn
        temperature = max(choose_sampling(request)["temperature"], _CORRECTION_TEMPERATURE)
        corrected = await talk.correct(first, str(problem), temperature=temperature, seed=request.seed)
        if corrected is not first:
            await self._take(corrected, talk.question)
        return drawn

    def _choose_question(self) -> Question:
        """Ask in another form once an answer has changed nothing: in the same form the model gives it again."""
        unchanged = self.drawn.counts.unchanged
        if not unchanged:
            return self.talk.question
        strategy = self.request.strategy
        focus = self.view.focus(strategy.target_files, strategy.target_symbols)
        return build_question(self.style.narrow_prompt, self.view, focus, self.request.attempt - 1 + unchanged)

    async def _take(self, exchange: Exchange, question: Question) -> None:
        if not exchange.messages:
            self.drawn.problem = PatchError("The code does not fit into the model's context.")
            return
        try:
            self.drawn.add(await self._diff(exchange, question))
        except PatchError as problem:
            self.drawn.add(problem)

    async def _diff(self, exchange: Exchange, question: Question) -> str:
        if not exchange.answer.strip() and exchange.finish_reason == TOOL_CALL:
            raise PatchError("The model called a tool, of which it was offered none, instead of writing a change.")
        if not exchange.answer.strip():
            limit = " before its limit: if it thinks first, raise models.thinking_tokens"
            raise PatchError(f"The model answered nothing{limit if exchange.finish_reason == 'length' else ''}.")
        view, strategy = self.view, self.request.strategy
        await read_files(view, find_named_paths(exchange.answer, view.paths), self.request.work, self.objects)
        sources = {path: text for path, text in view.sources.items() if path not in view.tests}
        target = EditTarget(strategy.target_files, strategy.target_symbols, question.window)
        changed = apply_edit(exchange.answer, sources, target, truncated=exchange.finish_reason == "length")
        diff = "".join(patches.make_diff(path, sources[path], changed[path]) for path in sorted(changed))
        patches.check_diff(diff, view.tests)
        return diff

    def _is_broke(self) -> bool:
        return self.request.tokens is not None and self.talk.usage.tokens >= self.request.tokens
