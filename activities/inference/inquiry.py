"""What a model is, whether it answers from here, and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activities.inference.addresses import hide_login
from hydranet.contracts import AskedModel, ModelAnswer
from hydranet.errors import HydraError
from hydranet.settings import ModelSettings, Settings
from hydranet.strategy import TEMPLATES

if TYPE_CHECKING:
    from activities.inference.protocols import Description

AUTO = "auto"


def list_configured(settings: Settings, purpose: str = "-") -> tuple[AskedModel, ...]:
    """Return the models that the settings name for a purpose, by default for all that this node has."""
    asked = (
        AskedModel(model=settings.model, purpose="repairs"),
        AskedModel(model=settings.supervisor_model, purpose="ranking"),
        AskedModel(model=settings.embedding_model, purpose="embedding"),
    )
    purposes = settings.models.purposes if purpose == "-" else (purpose,)
    return tuple(each for each in asked if each.model and each.purpose in purposes)


async def ask_model(asked: AskedModel, settings: ModelSettings, *, measured: bool) -> ModelAnswer:
    """Return what a model answers from here, for `auto` the best coder; an answer with a problem if it does not."""
    from activities.inference.backend import choose_default_model, probe

    model = asked.model
    try:
        model = await choose_default_model(settings) if model == AUTO else model
        description = await probe(model, settings)
        vectors, first, speed = "", "-", "-"
        if measured:
            vectors, first, speed = await _measure(model, asked.purpose, settings)
            description = await probe(model, settings)  # by now the model is loaded
    except HydraError as error:
        return ModelAnswer(model=model, purpose=asked.purpose, problem=str(error))
    facts = ", ".join(filter(None, (description.facts, vectors)))
    return ModelAnswer(
        model=model,
        purpose=asked.purpose,
        facts=facts or "it answers",
        memory=_describe_memory(description),
        latency=first,
        speed=speed,
        # An embedding model needs no chat template.
        warning="" if asked.purpose == "embedding" else description.warning,
    )


def name_model(answer: ModelAnswer) -> str:
    """Return the model's name as it may be shown, without a login."""
    return hide_login(answer.model)


async def _measure(model: str, purpose: str, settings: ModelSettings) -> tuple[str, str, str]:
    from activities.inference.backend import measure, measure_embeddings

    if purpose == "embedding":
        length, texts = await measure_embeddings(model, settings)
        return f"vectors of {length}", "-", f"{texts:.0f} texts/s"
    if model == TEMPLATES:
        return "", "-", "-"
    usage = await measure(model, settings)
    return ("", f"{usage.waiting:.1f} s", f"{usage.speed:.0f} tokens/s") if usage.output_tokens else ("", "-", "-")


def _describe_memory(description: Description) -> str:
    if description.loaded is None or not description.size:
        return "-"
    on_gpu = (description.vram or 0) / description.size
    return f"{description.size / 2**30:.1f} GiB, {on_gpu:.0%} of it on the GPU"
