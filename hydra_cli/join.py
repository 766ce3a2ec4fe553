"""`hydra join`: make this machine a node of node A's cluster, for one role."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import socket
from enum import StrEnum
from typing import Annotated

import typer

from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.settings import Settings
from hydranet.text.formatting import join_words
from workers.cluster import joining, service
from workers.cluster.folder import ClusterFolder
from workers.cluster.membership import MemberFolder, Membership, use_membership
from workers.cluster.messages import NODE_NAME
from workers.cluster.tokens import parse_token
from workers.stack import StackFolder
from workers.temporal_profile import choose_server

_RETRY_SECONDS = 2.0
# Some environments of projects, and the objects of their repositories.
_DISK_BYTES = 5e9


class NodeRole(StrEnum):
    """A role that a node takes."""

    INFERENCE = "inference"
    SANDBOX = "sandbox"


def join(
    host: Annotated[str, typer.Option(help="Node A's name or address, as HOST or HOST:PORT.")],
    role: Annotated[NodeRole, typer.Option(help="What this machine is to do.")],
    token: Annotated[
        str,
        typer.Option(envvar="HYDRA_JOIN_TOKEN", help="The token that `hydra cluster init` or `token create` printed."),
    ],
    name: Annotated[str, typer.Option(help="This node's name; by default that of the machine.")] = "",
    service_unit: Annotated[
        bool, typer.Option("--service/--no-service", help="Whether systemd keeps the worker running, where it can.")
    ] = True,
) -> None:
    """Join the cluster of node A with a token, to work for a role on this machine."""
    chosen = settings.load_settings()
    parts, place = parse_token(token), joining.parse_place(host, chosen.cluster.port)
    folder = MemberFolder(chosen.data_dir)
    _check_free(chosen, folder)
    node = _choose_name(name)
    StackFolder(chosen.data_dir).create()
    asyncio.run(_check_role(role, chosen))

    async def run() -> Membership:
        waiting = ""
        while True:
            try:
                authority = await joining.fetch_authority(place, parts)
                return await joining.join(place, authority, parts, node, role, folder)
            except joining.UnreachableError as error:
                if str(error) != waiting:
                    write_line(f"Waiting: {error} Start it there with `hydra up`; Ctrl-C ends the waiting.", error=True)
                waiting = str(error)
            await asyncio.sleep(_RETRY_SECONDS)

    membership = asyncio.run(run())
    write_line(f"Joined     {membership.server} as {membership.name}, for {membership.role}")
    status = 0
    try:
        asyncio.run(_check_servers(chosen))
    except UsageError as error:
        status = 1
        # It has joined, and its worker goes on trying.
        ports = f"{membership.port} to {membership.port + 2}"
        write_line(
            f"Warning: {error} The worker waits for it: open the TCP ports {ports} of {membership.host} to this "
            "machine; `hydra doctor` checks them.",
            error=True,
        )
    _keep_running(chosen, install=service_unit)
    raise typer.Exit(status)


def _check_free(chosen: Settings, folder: MemberFolder) -> None:
    if membership := folder.load():
        raise UsageError(
            f"This machine has joined {membership.host} already, as '{membership.name}' for {membership.role}: run "
            "`hydra cluster leave` first."
        )
    if ClusterFolder(chosen.data_dir).exists:
        raise UsageError(
            "This machine is node A of a cluster of its own: join from another, or another HYDRA_DATA_DIR."
        )
    if choose_server(chosen.temporal).address:
        raise UsageError(
            "Another Temporal server is named ('temporal.address', or a variable TEMPORAL_*): start `hydra worker` "
            "with it, or unset that to join a cluster."
        )
    if StackFolder(chosen.data_dir).find_stack():
        raise UsageError("A stack runs on this machine: end it with `hydra down` first.")


def _choose_name(name: str) -> str:
    chosen = name or re.sub(r"[^a-z0-9]+", "-", socket.gethostname().partition(".")[0].lower()).strip("-")[:40].strip(
        "-"
    )
    if not re.fullmatch(NODE_NAME, chosen):
        raise UsageError(
            f"'{chosen}' is no name for a node: give --name at most 40 small letters, digits and hyphens between them."
        )
    return chosen


async def _check_role(role: NodeRole, chosen: Settings) -> None:
    """Raise UsageError where this machine cannot do the work; warn where it cannot yet."""
    free = shutil.disk_usage(chosen.data_dir).free
    if free < _DISK_BYTES:
        write_line(
            f"Warning: {chosen.data_dir} has {free / 1e9:.1f} GB left, which environments and caches may fill: make "
            f"room for {_DISK_BYTES / 1e9:.0f} GB, or choose another folder with HYDRA_DATA_DIR.",
            error=True,
        )
    if role is NodeRole.SANDBOX:
        from activities.sandbox.backends import check_sandbox

        await asyncio.to_thread(check_sandbox, chosen.sandbox)
        return
    from activities.node.inference import measure_models

    meters = await measure_models(chosen)
    for meter in meters:
        if meter.problem:
            write_line(f"Warning: {meter.model}: {meter.problem.rstrip('.')}. `hydra models` checks it.", error=True)
    repairs = "repairs" in chosen.models.purposes
    if repairs and chosen.model == "auto" and any(meter.model == "templates" for meter in meters):
        write_line(
            "Warning: no model answers on this machine, so that repair templates alone are tried: start Ollama with a "
            "coder model, or name a server's in 'model'; `hydra models` checks it.",
            error=True,
        )


def _is_setting(name: str) -> bool:
    return name.startswith("HYDRA_") and name not in ("HYDRA_DATA_DIR", "HYDRA_JOIN_TOKEN")


async def _check_servers(chosen: Settings) -> None:
    from activities.artifacts.database import open_database
    from workers.connection import connect
    from workers.sealing import load_keys

    use_membership(chosen.data_dir)
    own = settings.load_settings()
    await connect(choose_server(own.temporal), load_keys(own))
    write_line("Temporal   answers over mutual TLS")
    async with open_database(own.database):
        write_line("PostgreSQL answers over mutual TLS")


def _keep_running(chosen: Settings, *, install: bool) -> None:
    command = service.build_command(chosen.data_dir)
    variables = {name: value for name, value in os.environ.items() if _is_setting(name)}
    # An answer of a model that is under way is finished first.
    if install and service.install(command, variables, chosen.models.total):
        write_line(f"Worker     kept running by systemd (`systemctl --user status {service.UNIT}`)")
        if variables:
            write_line(f"           with {join_words(sorted(variables))} as set here, kept in its unit")
        if not service.lingers():
            write_line("           until you log out: `loginctl enable-linger` lets it run on")
        return
    write_line("Worker     keep this running, in a terminal or by your own service manager:")
    write_line(f"  {shlex.join(command)}")
