"""Contracts of reproduction: tests that a model drafts of an issue, and which of them are kept."""

from typing import Annotated

from pydantic import Field

from hydranet.bounded_models import BoundedModel, Line, Name
from hydranet.budget import Usage
from hydranet.contracts.artifacts import ArtifactRef
from hydranet.contracts.expectations import EXPECTATIONS, Expectations, WrittenTests
from hydranet.contracts.inference import Work

Refusals = Annotated[tuple[Line, ...], Field(max_length=EXPECTATIONS)]
"""Why drafts are not kept, a sentence each."""


class ReproduceRequest(BoundedModel):
    """Asks a model for tests that reproduce the issue of `work`; no draw begins once `tokens` are spent."""

    work: Work
    seed: int = 0
    tokens: int | None = None


class ReproduceAnswer(BoundedModel):
    """The drafts of a model's draws, and why the other draws make none."""

    drafts: Expectations = ()
    draws: int = 0
    refused: Refusals = ()
    prompt: Name = ""
    usage: Usage = Usage()
    transcript: ArtifactRef | None = None


class JudgeRequest(BoundedModel):
    """Asks which of the drafts that were `written` reproduce the issue of `context`.

    `spectrum` is how they run at the commit that has the bug.
    """

    written: WrittenTests
    spectrum: ArtifactRef
    context: ArtifactRef


class Judgement(BoundedModel):
    """The names of the tests that reproduce the issue, the best first, and why the others do not."""

    kept: Annotated[tuple[Name, ...], Field(max_length=EXPECTATIONS)] = ()
    refused: Refusals = ()
