"""`hydra dashboard`: bring up the pages of the stack and of a run, and print their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

import typer

from activities.private_file import make_private_folder, write_private
from hydra_cli.run_records import find_start
from hydra_cli.session import Session, attach_session
from hydra_cli.stack import describe_missing
from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.report.html import render_html
from hydranet.report.postmortem import build_postmortem
from hydranet.settings import Settings
from hydranet.text.escaping import format_command
from workers.dashboard_links import WAR_ROOM
from workers.observation import Observation
from workers.stack import Stack, StackFolder
from workers.temporal_profile import choose_server

_COLUMN = 11
_SECONDS = 2.0


def dashboard(
    run: Annotated[str, typer.Argument(help="The run's id or a part of it; by default the latest run.")] = "",
) -> None:
    """Bring up the stack's pages, and print their addresses: war room, Web UI, report."""
    chosen = settings.load_settings()
    folder = None if choose_server(chosen.temporal).address else StackFolder(chosen.data_dir)
    if folder is not None:
        folder.create()
        folder.keep.touch()
    asyncio.run(_dashboard(run, chosen, folder))


async def _dashboard(part: str, chosen: Settings, folder: StackFolder | None) -> None:
    async with attach_session(chosen) as session:
        run_id = await _find_run(session, part)
        observation = await asyncio.to_thread(folder.request_observation) if folder is not None else None
        if observation is not None and "grafana" in observation.missing and await _answers(observation.grafana):
            # In a container, as the sentence about what is missing says.
            missing = [program for program in observation.missing if program != "grafana"]
            observation = observation.model_copy(update={"missing": missing})
        grafana = "" if observation is None or "grafana" in observation.missing else observation.grafana
        terminal = f"{format_command('hydra', 'watch', run_id)} (in a terminal)" if run_id else ""
        pages = {
            "War room": _name_war_room(grafana, run_id) or terminal,
            "Web UI": _name_web_ui(session.stack, run_id),
        }
        if run_id:
            links = {name: page for name, page in pages.items() if page and page != terminal}
            pages["Report"] = await _write_report(session, run_id, links)
        for name, address in pages.items():
            if address:
                write_line(f"{name:<{_COLUMN}}{address}")
        if observation is not None and folder is not None:
            _write_remarks(observation, grafana, folder)
        elif folder is None:
            write_line("Grafana and Prometheus of a deployment of your own: see docs/how-to/operations.md.")


async def _answers(grafana: str) -> bool:
    """Return whether a Grafana answers there."""
    # Imported here, where it is rarely needed.
    import httpx

    try:
        async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
            health = await client.get(f"{grafana}/api/health")
        return health.is_success and "database" in health.json()
    except (httpx.HTTPError, ValueError):
        return False


async def _find_run(session: Session, part: str) -> str:
    """Return the run of the pages; empty where none is named and there is none yet."""
    try:
        return await session.find_run(part)
    except UsageError:
        if part:
            raise
        return ""


def _name_war_room(grafana: str, run_id: str) -> str:
    if not grafana:
        return ""
    return f"{grafana}/d/{WAR_ROOM}" + (f"?var-run={quote(run_id, safe='')}" if run_id else "")


def _name_web_ui(stack: Stack, run_id: str) -> str:
    if run_id or not stack.temporal.ui:
        return stack.workflow_url(run_id) if run_id else ""
    return stack.web_ui


async def _write_report(session: Session, run_id: str, pages: Mapping[str, str]) -> str:
    """Write the report page of a run as it is now, with links to the other pages, and return its address."""
    story = build_postmortem(await session.genealogy(run_id), await find_start(session, run_id))
    # The page may be passed on: the token stays where it is printed, and the browser has a cookie by then.
    links = {name: address.partition("?token=")[0] for name, address in pages.items()}
    file = session.settings.data_dir.resolve() / "reports" / f"{quote(run_id, safe='')}.html"
    make_private_folder(file.parent)
    write_private(file, render_html(story, links))
    return file.as_uri()


def _write_remarks(observation: Observation, grafana: str, folder: StackFolder) -> None:
    if grafana:
        password = folder.root / "keys" / "grafana-password"
        write_line(f"Grafana asks for the user admin, with the password in {password}.")
    if observation.missing:
        write_line(describe_missing(observation, folder))
    write_line("The stack stays up until `hydra down`.")
