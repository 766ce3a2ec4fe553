"""`hydra report`: a run's post-mortem, for the terminal or as a file."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from hydra_cli.run_records import find_start
from hydra_cli.session import attach_session
from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.report.html import render_html
from hydranet.report.markdown import render_markdown
from hydranet.report.postmortem import Postmortem, build_postmortem

_RENDERERS: dict[str, Callable[[Postmortem], str]] = {".md": render_markdown, ".html": render_html}


def report(
    run: Annotated[str, typer.Argument(help="The run's id or a part of it; by default the latest run.")] = "",
    output: Annotated[
        Path | None, typer.Option(help="The file to write: .md for Markdown, .html for one self-contained page.")
    ] = None,
) -> None:
    """Write a run's post-mortem: what was tried, what failed and why, and what won."""
    if output is None:
        write_line(render_markdown(asyncio.run(_build(run))).removesuffix("\n"))
        return
    render = _choose_renderer(output)  # before a stack is started for a file that cannot be written
    story = asyncio.run(_build(run))
    try:
        output.write_text(render(story), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{output} cannot be written ({error.strerror or error}): name another file with --output."
        ) from None
    write_line(f"The post-mortem of {story.genealogy.run_id} is in {output}.")


def _choose_renderer(output: Path) -> Callable[[Postmortem], str]:
    render = _RENDERERS.get(output.suffix.lower())
    if render is None:
        raise UsageError(f"{output} ends in neither .md nor .html: give it one of these endings.")
    if not output.parent.is_dir():
        raise UsageError(f"{output.parent} is not a folder: create it, or name another one with --output.")
    return render


async def _build(run: str) -> Postmortem:
    async with attach_session(settings.load_settings()) as session:
        run_id = await session.find_run(run)
        return build_postmortem(await session.genealogy(run_id), await find_start(session, run_id))
