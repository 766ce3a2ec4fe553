"""`hydra models`: what the configured models are, whether they answer, and how fast."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from hydranet import settings
from hydranet.cli.terminal import console
from hydranet.errors import HydraError
from hydranet.settings import ModelSettings

if TYPE_CHECKING:
    from activities.inference.client import Description
    from hydranet.budget import Usage


def models(
    model: Annotated[
        list[str] | None, typer.Argument(help="ollama:NAME or openai:URL#NAME; the configured ones when left out.")
    ] = None,
) -> None:
    """Show what each model is, whether it answers, and how fast: exit code 1 when one does not."""
    asyncio.run(_models(model or []))


async def _models(named: list[str]) -> None:
    from activities.inference.backend import default_model

    chosen = settings.load()
    configured = await default_model(chosen.models) if chosen.model == "auto" else chosen.model
    table = Table("model", "what it is", "loaded", "first token", "speed", box=None)
    answering = True
    own = [model for model in (configured, chosen.supervisor_model) if model]
    for model in track(named or own, "asking", console=console(), transient=True):
        try:
            table.add_row(escape(model), *await _row(model, chosen.models))
        except HydraError as error:
            table.add_row(escape(model), f"[red]{escape(str(error))}", "", "", "")
            answering = False
    console().print(table)
    if not answering:
        raise typer.Exit(1)


async def _row(model: str, chosen: ModelSettings) -> list[str]:
    from activities.inference.backend import TEMPLATES, measure, probe

    if model == TEMPLATES:
        return [(await probe(model, chosen)).facts, "-", "-", "-"]
    await probe(model, chosen)
    usage = await measure(model, chosen)
    described = await probe(model, chosen)  # by now the model is loaded
    return [escape(described.facts) or "it answers", _loaded(described), *_speed(usage)]


def _loaded(described: Description) -> str:
    """Where the model is, as far as its server tells."""
    if described.loaded is None or not described.size:
        return "-"
    on_gpu = (described.vram or 0) / described.size
    return f"{described.size / 2**30:.1f} GiB, {on_gpu:.0%} of it on the GPU"


def _speed(usage: Usage) -> list[str]:
    return [f"{usage.waiting:.1f} s", f"{usage.speed:.0f} tokens/s"] if usage.output_tokens else ["-", "-"]
