"""What a chat model says of a fix that passes: which behaviour is right, and what is wrong with the change."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from activities.artifacts.store import put_model
from activities.inference.answers import (
    FLAW_KINDS,
    AnswerError,
    Ballot,
    Critique,
    Flaw,
    build_schema,
    parse_answer,
)
from activities.inference.conversation import Conversation
from activities.inference.prompt_context import load_prompt_context, read_files
from activities.inference.prompt_values import describe_choices
from activities.inference.prompts import load_prompt
from activities.inference.protocols import ChatClient, ModelCall, Purpose
from activities.inference.questions import Question
from hydranet.contracts import CritiqueAnswer, CritiqueRequest, VoteAnswer, VoteRequest
from hydranet.objection import Objection
from hydranet.question import Vote
from hydranet.text.escaping import fence

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.git.objects import GitObjects
    from activities.inference.model_profile import ModelProfile
    from activities.inference.prompt_context import PromptContext
    from activities.localisation.localiser import Localiser
    from hydranet.contracts import Work

FINDINGS = 5
"""The most findings of a critique that are noted."""

_BALLOT = build_schema(Ballot, {"right": {"type": "integer", "enum": [1, 2]}})
_CHANGED_FILE = re.compile(r"^\+\+\+ b/(.+)$", re.MULTILINE)


class Adviser:
    """Asks a model that deliberates; of any other it has no answer."""

    def __init__(
        self,
        client: ChatClient,
        style: ModelProfile,
        artifacts: ArtifactStore,
        objects: GitObjects,
        localiser: Localiser,
    ) -> None:
        self._client = client
        self._style = style
        self._artifacts = artifacts
        self._objects = objects
        self._localiser = localiser

    async def vote(self, request: VoteRequest) -> VoteAnswer:
        """Return the choice that the model takes for right in both orders: many prefer what stands first, or last."""
        if not self._style.deliberates:
            return VoteAnswer()
        question, model = request.question, request.work.model
        view = await self._view(request.work, [question.call.file])
        focus = view.focus([question.call.file], [question.call.unit])
        talk = self._talk("vote", request.branch, Question(load_prompt("vote"), focus), view)
        ballots = []
        for asked in (question, question.swap()):
            values = {"behaviour": describe_choices(asked)}
            exchange = await talk.ask(values, temperature=0.0, seed=request.seed, shape=_BALLOT)
            with suppress(AnswerError):
                ballots.append(parse_answer(exchange.answer, Ballot))
        kept = len(ballots) == 2 and ballots[0].right != ballots[1].right
        vote = Vote(model=model, right=ballots[0].right, reason=ballots[0].reason) if kept else Vote(model=model)
        return VoteAnswer(
            vote=vote,
            prompt=talk.form.id,
            usage=talk.usage,
            transcript=await put_model(self._artifacts, talk.transcript(model)),
        )

    async def criticise(self, request: CritiqueRequest) -> CritiqueAnswer:
        """Return what the model notes of a fix: objections to files that it changes, which do not refuse it."""
        if not self._style.deliberates:
            return CritiqueAnswer()
        model = request.work.model
        files = list(dict.fromkeys(_CHANGED_FILE.findall(request.diff)))
        view = await self._view(request.work, files)
        talk = self._talk("critique", request.branch, Question(load_prompt("critique")), view)
        exchange = await talk.ask(
            {"change": fence(request.diff)}, temperature=0.0, seed=request.seed, shape=_shape_critique(files)
        )
        try:
            findings = parse_answer(exchange.answer, Critique).findings
        except AnswerError:
            findings = []
        objections = (
            Objection(
                rule=f"critique-{finding.kind.replace(' ', '-')}",
                file=finding.file,
                text=f"{finding.text} (said by {model})",
            )
            for finding in findings
            if finding.file in files and finding.text
        )
        return CritiqueAnswer(
            objections=tuple(objections)[:FINDINGS],
            prompt=talk.form.id,
            usage=talk.usage,
            transcript=await put_model(self._artifacts, talk.transcript(model)),
        )

    async def _view(self, work: Work, files: list[str]) -> PromptContext:
        view = await load_prompt_context(work, self._artifacts, self._objects, self._localiser)
        await read_files(view, files, work, self._objects)
        return view

    def _talk(self, purpose: Purpose, branch: int, question: Question, view: PromptContext) -> Conversation:
        return Conversation(self._client, ModelCall(purpose, branch), question, view, self._style.room)


def _shape_critique(files: list[str]) -> dict[str, object]:
    """Return the JSON schema of a critique of changed files."""
    finding = build_schema(Flaw, {"kind": {"enum": list(FLAW_KINDS)}, "file": {"enum": files}})
    findings = {"type": "array", "items": finding, "maxItems": FINDINGS}
    return {
        "type": "object",
        "properties": {"findings": findings},
        "required": ["findings"],
        "additionalProperties": False,
    }
