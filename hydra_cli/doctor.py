"""`hydra doctor`: what is well and what is not, from this machine to every node, with what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import typer
from rich.table import Table
from temporalio.service import RPCError

from hydra_cli.checks.database import check_database
from hydra_cli.checks.front import check_front
from hydra_cli.checks.machine import HERE, check_machine
from hydra_cli.checks.nodes import check_nodes
from hydra_cli.checks.notices import check_notices
from hydra_cli.checks.placed import PlacedCheck, report, report_error
from hydra_cli.checks.temporal import WHERE, check_access, check_way
from hydra_cli.node_survey import survey_nodes
from hydra_cli.terminal import make_console, plain, write_json, write_line
from hydranet import settings
from hydranet.contracts import Level
from hydranet.errors import UsageError
from hydranet.settings import Settings
from hydranet.text.formatting import format_count
from workers.cluster.membership import Membership, use_membership
from workers.nodes import NodeReader
from workers.sealing import load_keys
from workers.stack import Stack, StackFolder
from workers.temporal_profile import choose_server

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check this machine, Temporal, PostgreSQL and every node, and say what to do.

    It starts nothing. The exit code is 1 when a check fails.
    """
    findings = asyncio.run(_list_findings())
    if json:
        write_json([{"where": where, **check.model_dump(mode="json")} for where, check in findings], indent=1)
    else:
        _show(findings)
    if any(check.level is Level.FAIL for _, check in findings):
        raise typer.Exit(1)


async def _list_findings() -> list[PlacedCheck]:
    return [finding async for finding in _check(settings.load_settings())]


async def _check(chosen: Settings) -> AsyncIterator[PlacedCheck]:
    try:
        membership = use_membership(chosen.data_dir)
        if membership is not None:
            chosen = settings.load_settings()  # with the way to the servers that the node was given
        stack = _find_stack(chosen)
    except UsageError as error:
        async for finding in check_machine(chosen, works=True):
            yield finding
        yield report_error(WHERE, "settings", error)
        return
    # Where workers run, each answers for its own machine; a node may not ask them.
    async for finding in check_machine(chosen, works=stack is None or membership is not None):
        yield finding
    for finding in check_notices(chosen.notify):
        yield finding
    if stack is None:
        yield report(HERE, "stack", "it does not run: `hydra up` starts it, and `hydra fix` when it is needed")
        return
    async for finding in check_front(chosen):
        yield finding
    way = [finding async for finding in check_way(stack.temporal)]
    for finding in way:
        yield finding
    async for finding in check_database(stack.database):
        yield finding
    if all(finding.check.level is not Level.FAIL for finding in way):
        async for finding in _check_stack(chosen, stack, membership):
            yield finding


def _find_stack(chosen: Settings) -> Stack | None:
    """Return the stack that is configured or runs here, None where there is neither."""
    temporal = choose_server(chosen.temporal)
    if temporal.address:
        return Stack(temporal=temporal, database=chosen.database)
    return StackFolder(chosen.data_dir).find_stack()


async def _check_stack(chosen: Settings, stack: Stack, membership: Membership | None) -> AsyncIterator[PlacedCheck]:
    try:
        keys = load_keys(chosen)
    except UsageError as error:
        yield report_error(HERE, "seal key", error)
        return
    client, access = await check_access(stack.temporal, keys, embedded=bool(stack.pid))
    for finding in access:
        yield finding
    if client is None:
        return
    if membership is not None:
        name = f"{membership.name} ({membership.role})"
        text = f"it works as {name} of {membership.host}, where `hydra doctor` asks all nodes"
        yield report(HERE, "node", text)
        return
    try:
        view = await NodeReader(client).read_surely()
    except RPCError as error:
        remedy = "Give the command where you may, such as on the supervisor's machine."
        yield report("nodes", "workers", f"the server does not tell who works ({error})", Level.WARN, remedy)
        return
    for finding in check_nodes(view, await survey_nodes(client, view, examine=True)):
        yield finding


def _show(findings: list[PlacedCheck]) -> None:
    table = Table("", "where", "check", "how it is", box=None)
    for where, check in findings:
        text = f"{check.text}\n{check.remedy}" if check.remedy else check.text
        style = "" if check.level is Level.OK else _STYLES[check.level]
        cells = (plain(where), plain(check.name), plain(text, style))
        table.add_row(plain(check.level, _STYLES[check.level]), *cells)
    make_console().print(table)
    counts = {level: sum(check.level is level for _, check in findings) for level in Level}
    fails = f"{counts[Level.FAIL]} failed, {format_count(counts[Level.WARN], 'warning')}"
    write_line(f"{format_count(len(findings), 'check')}: {fails}.")
