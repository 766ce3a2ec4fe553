"""`hydra models`: whether models answer, how fast, and where they are loaded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track
from rich.table import Table

from hydra_cli.terminal import make_console, plain, write_line
from hydranet import settings
from hydranet.errors import HydraError
from hydranet.settings import ModelSettings, Settings
from hydranet.strategy import TEMPLATES

if TYPE_CHECKING:
    from activities.inference.protocols import Description

_EMBEDDING = "embedding"


def models(
    model: Annotated[
        list[str] | None,
        typer.Argument(help="The models, as ollama:NAME or openai:URL#NAME; by default those of the settings."),
    ] = None,
) -> None:
    """Show whether each model answers, and how fast.

    The exit code is 1 when a model does not answer.
    """
    asyncio.run(_models(model or []))


async def _models(named: list[str]) -> None:
    from activities.inference.addresses import hide_login

    chosen = settings.load_settings()
    table = Table("model", "for", "what it is", "loaded", "first token", "speed", box=None)
    answering = True
    warnings = []
    purposes = [(model, "-") for model in named] or await _list_configured(chosen)
    for model, purpose in track(purposes, "asking", console=make_console(), transient=True):
        shown = hide_login(model)
        try:
            cells, warning = await _measure_model(model, purpose, chosen.models)
            table.add_row(*map(plain, (shown, purpose, *cells)))
            # An embedding model needs no chat template.
            warnings += [warning] if warning and purpose != _EMBEDDING else []
        except HydraError as error:
            table.add_row(plain(shown), purpose, plain(str(error), "red"), "", "", "")
            answering = False
    make_console().print(table)
    for warning in dict.fromkeys(warnings):
        write_line(f"Warning: {warning}", error=True)
    if not answering:
        raise typer.Exit(1)


async def _list_configured(chosen: Settings) -> list[tuple[str, str]]:
    from activities.inference.backend import choose_default_model

    coder = await choose_default_model(chosen.models) if chosen.model == "auto" else chosen.model
    purposes = [(coder, "repairs"), (chosen.supervisor_model, "ranking"), (chosen.embedding_model, _EMBEDDING)]
    return [(model, purpose) for model, purpose in purposes if model]


async def _measure_model(model: str, purpose: str, chosen: ModelSettings) -> tuple[list[str], str]:
    from activities.inference.backend import probe

    await probe(model, chosen)
    vectors, *speed = await (_measure_embeddings if purpose == _EMBEDDING else _measure_answers)(model, chosen)
    description = await probe(model, chosen)  # by now the model is loaded
    facts = ", ".join(filter(None, (description.facts, vectors)))
    return [facts or "it answers", _describe_memory(description), *speed], description.warning


async def _measure_answers(model: str, chosen: ModelSettings) -> list[str]:
    from activities.inference.backend import measure

    if model == TEMPLATES:
        return ["", "-", "-"]
    usage = await measure(model, chosen)
    return ["", f"{usage.waiting:.1f} s", f"{usage.speed:.0f} tokens/s"] if usage.output_tokens else ["", "-", "-"]


async def _measure_embeddings(model: str, chosen: ModelSettings) -> list[str]:
    from activities.inference.backend import measure_embeddings

    length, speed = await measure_embeddings(model, chosen)
    return [f"vectors of {length}", "-", f"{speed:.0f} texts/s"]


def _describe_memory(description: Description) -> str:
    if description.loaded is None or not description.size:
        return "-"
    on_gpu = (description.vram or 0) / description.size
    return f"{description.size / 2**30:.1f} GiB, {on_gpu:.0%} of it on the GPU"
