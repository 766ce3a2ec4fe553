"""`hydra models`: what the configured models are, whether they answer, and how fast."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from hydra_cli.terminal import make_console
from hydranet import settings
from hydranet.errors import HydraError
from hydranet.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from activities.inference.protocols import Description

_EMBEDDING = "embedding"


def models(
    model: Annotated[
        list[str] | None, typer.Argument(help="ollama:NAME or openai:URL#NAME; the configured ones when left out.")
    ] = None,
) -> None:
    """Show whether each model answers, and how fast."""
    asyncio.run(_models(model or []))


async def _models(named: list[str]) -> None:
    chosen = settings.load_settings()
    table = Table("model", "for", "what it is", "loaded", "first token", "speed", box=None)
    answering = True
    asked = [(model, "-") for model in named] or await _configured(chosen)
    for model, purpose in track(asked, "asking", console=make_console(), transient=True):
        try:
            table.add_row(escape(model), purpose, *await _row(model, purpose, chosen.models))
        except HydraError as error:
            table.add_row(escape(model), purpose, f"[red]{escape(str(error))}", "", "", "")
            answering = False
    make_console().print(table)
    if not answering:
        raise typer.Exit(1)


async def _configured(chosen: Settings) -> list[tuple[str, str]]:
    """The configured models, and what each is for."""
    from activities.inference.backend import choose_default_model

    coder = await choose_default_model(chosen.models) if chosen.model == "auto" else chosen.model
    chosen_ones = [(coder, "repairs"), (chosen.supervisor_model, "ranking"), (chosen.embedding_model, _EMBEDDING)]
    return [(model, purpose) for model, purpose in chosen_ones if model]


async def _row(model: str, purpose: str, chosen: ModelSettings) -> list[str]:
    from activities.inference.backend import probe

    await probe(model, chosen)
    known, *speed = await (_embedding if purpose == _EMBEDDING else _answering)(model, chosen)
    described = await probe(model, chosen)  # by now the model is loaded
    facts = ", ".join(filter(None, (described.facts, known)))
    return [escape(facts) or "it answers", _loaded(described), *speed]


async def _answering(model: str, chosen: ModelSettings) -> list[str]:
    """What a chat model shows of itself when it is asked, its time to the first token, and its speed."""
    from activities.inference.backend import TEMPLATES, measure

    if model == TEMPLATES:
        return ["", "-", "-"]
    usage = await measure(model, chosen)
    return ["", f"{usage.waiting:.1f} s", f"{usage.speed:.0f} tokens/s"] if usage.output_tokens else ["", "-", "-"]


async def _embedding(model: str, chosen: ModelSettings) -> list[str]:
    """The same of an embedding model."""
    from activities.inference.backend import measure_embeddings

    length, speed = await measure_embeddings(model, chosen)
    return [f"vectors of {length}", "-", f"{speed:.0f} texts/s"]


def _loaded(described: Description) -> str:
    """Where the model is, as far as its server tells."""
    if described.loaded is None or not described.size:
        return "-"
    on_gpu = (described.vram or 0) / described.size
    return f"{described.size / 2**30:.1f} GiB, {on_gpu:.0%} of it on the GPU"
