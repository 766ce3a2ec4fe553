"""`hydra models`: whether models answer, how fast, and where they are loaded."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.progress import track
from rich.table import Table

from activities.inference.inquiry import ask_model, list_configured, name_model
from hydra_cli.session import attach_session
from hydra_cli.terminal import make_console, plain, write_line
from hydranet import settings
from hydranet.contracts import MODELS_QUEUE, AskedModel, ModelAnswer, ModelsRequest
from hydranet.errors import UsageError
from hydranet.settings import Settings
from workers.stack import StackFolder
from workers.temporal_profile import choose_server


def models(
    model: Annotated[
        list[str] | None,
        typer.Argument(help="The models, as ollama:NAME or openai:URL#NAME; by default those of the settings."),
    ] = None,
) -> None:
    """Show whether each model answers, and how fast.

    They are asked on the host whose inference worker calls them. The exit code is 1 when a model does not answer.
    """
    asyncio.run(_models(model or []))


async def _models(named: list[str]) -> None:
    chosen = settings.load_settings()
    table = Table("model", "for", "what it is", "loaded", "first token", "speed", box=None)
    answering = True
    warnings = []
    for answer in await _ask(chosen, [AskedModel(model=model) for model in named]):
        shown = plain(name_model(answer))
        if answer.problem:
            table.add_row(shown, answer.purpose, plain(answer.problem, "red"), "", "", "")
            answering = False
            continue
        table.add_row(shown, *map(plain, (answer.purpose, answer.facts, answer.memory, answer.latency, answer.speed)))
        warnings += [answer.warning] if answer.warning else []
    make_console().print(table)
    for warning in dict.fromkeys(warnings):
        write_line(f"Warning: {warning}", error=True)
    if not answering:
        raise typer.Exit(1)


async def _ask(chosen: Settings, named: list[AskedModel]) -> list[ModelAnswer]:
    folder = StackFolder(chosen.data_dir)
    if choose_server(chosen.temporal).address or folder.find_stack() is not None:
        async with attach_session(chosen) as session:
            if not await session.works_here(MODELS_QUEUE):
                with make_console().status("asking the inference worker"):
                    answer = await session.ask_models(ModelsRequest(models=tuple(named), measured=True))
                if answer is None:
                    raise UsageError("No inference worker answers: start one with `hydra worker inference`.")
                return list(answer.models)
    asked = named or list_configured(chosen)
    return [
        await ask_model(each, chosen.models, measured=True)
        for each in track(asked, "asking", console=make_console(), transient=True)
    ]
