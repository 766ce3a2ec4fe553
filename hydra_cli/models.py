"""`hydra models`: whether models answer, how fast, and where they are loaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

import typer
from rich.progress import track
from rich.table import Table

from activities.inference.inquiry import ask_model, list_configured, name_model
from hydra_cli.model_questions import ask_models, serves_models
from hydra_cli.session import Session, attach_session
from hydra_cli.terminal import make_console, plain, write_line
from hydranet import settings
from hydranet.contracts import AskedModel, ModelAnswer, ModelsRequest
from hydranet.contracts.models import Purpose
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
            with make_console().status("asking the inference worker"):
                return [answer async for answer in ask_workers(session, named)]
    asked = named or list_configured(chosen)
    answers = [
        await ask_model(each, chosen.models, measured=True)
        for each in track(asked, "asking", console=make_console(), transient=True)
    ]
    if chosen.models.keep and any(answer.problem for answer in answers):
        write_line("Note: `hydra up` starts the server that 'models.keep' names.", error=True)
    return answers


async def ask_workers(session: Session, named: list[AskedModel]) -> AsyncIterator[ModelAnswer]:
    """Yield what the workers answer that serve each purpose, for models that are `named` those that repair."""
    purposes: tuple[Purpose, ...] = ("-",) if named else ("repairs", "ranking", "embedding")
    for purpose in purposes:
        if purpose in ("ranking", "embedding") and not await serves_models(session, purpose):
            continue
        request = ModelsRequest(models=tuple(named), purpose=purpose, measured=True)
        answer = await ask_models(session, request, partial(write_line, error=True))
        if answer is None and purpose in ("-", "repairs"):
            raise UsageError("No inference worker answers: start one with `hydra worker inference`.")
        for each in answer.models if answer else ():
            yield each
