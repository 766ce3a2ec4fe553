"""`hydra cluster`: node A of several machines, its join tokens and its nodes."""

from __future__ import annotations

import asyncio
import re
import socket
from datetime import timedelta
from typing import Annotated

import psutil
import typer
from rich.table import Table

from activities.private_file import write_private
from hydra_cli.cluster_status import status
from hydra_cli.join import NodeRole, join
from hydra_cli.terminal import make_console, plain, write_line
from hydranet import settings
from hydranet.errors import TransientError, UsageError
from hydranet.names import NODE_ROLES, Role
from hydranet.settings import ClusterSettings, Settings
from hydranet.text.formatting import join_words
from workers.cluster import joining, service
from workers.cluster.authority import Authority
from workers.cluster.envoy import find_envoy
from workers.cluster.folder import ClusterConfig, ClusterFolder
from workers.cluster.front import issue_server
from workers.cluster.membership import MemberFolder, check_no_node, join_address
from workers.cluster.registry import Registry
from workers.cluster.tokens import Tokens
from workers.postgres import NO_NAMESPACES
from workers.private_process import are_namespaces_allowed
from workers.stack import StackFolder, attach, stop
from workers.temporal_profile import choose_server

GROUP = typer.Typer(
    name="cluster",
    no_args_is_help=True,
    add_completion=False,
    help="Make this machine node A of several, and manage its nodes and their tokens.",
)
_token = typer.Typer(no_args_is_help=True, help="Manage the tokens with which nodes join.")
GROUP.add_typer(_token, name="token")
GROUP.command("join")(join)
GROUP.command("status")(status)

# Of the token that `init` prints: for the two other roles, within the time that setting up two machines takes.
_FIRST_USES = 2
_HOURS = 1.0
_HOST = re.compile(r"[0-9a-zA-Z](?:[0-9a-zA-Z.-]*[0-9a-zA-Z])?|[0-9a-fA-F:.]+")


@GROUP.command()
def init(
    host: Annotated[
        list[str] | None,
        typer.Option(help="A name or address by which nodes reach this machine; repeatable. By default all it has."),
    ] = None,
    role: Annotated[
        list[Role] | None,
        typer.Option(help="A role that this machine takes itself; repeatable. By default supervisor alone."),
    ] = None,
) -> None:
    """Make this machine node A: an authority of its own, and a front with mutual TLS before its servers.

    Again, it adds names, or changes the roles. It prints a token, and the commands for the other machines.
    """
    chosen = settings.load_settings()
    _check_own_servers(chosen)
    check_no_node(chosen.data_dir)
    find_envoy()
    if not are_namespaces_allowed():
        raise UsageError(NO_NAMESPACES)
    folder = ClusterFolder(chosen.data_dir)
    stack = StackFolder(chosen.data_dir)
    stack.create()
    if _initialise(folder, host or [], [str(taken) for taken in role or []]):
        # The servers start anew, with the sockets of the front; open runs go on.
        stop(chosen)
    stack.keep.touch()
    with attach(chosen):
        _tell_nodes(folder, chosen)


def _check_own_servers(chosen: Settings) -> None:
    if choose_server(chosen.temporal).address or chosen.database:
        raise UsageError(
            "Temporal or PostgreSQL is a server of your own here, which needs no node A: configure every machine by "
            "TEMPORAL_ADDRESS, TEMPORAL_TLS_CLIENT_CERT_PATH and the like, and by a DSN in 'database'."
        )


def _initialise(folder: ClusterFolder, hosts: list[str], roles: list[str]) -> bool:
    """Write what is missing or changed; return whether the stack has to start anew."""
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise UsageError(f"'{host}' is no host: give a name or an address, without a port.")
    known = folder.load_config() if folder.exists else None
    before = known.hosts if known else []
    after = list(dict.fromkeys([*before, *(host.lower() for host in hosts)])) or _list_own_hosts()
    config = ClusterConfig(hosts=after, roles=roles or (known.roles if known else [Role.SUPERVISOR]))
    if known == config:
        return False
    folder.create()
    if known is None:
        authority = Authority.create()
        write_private(folder.authority_key, authority.key)
        write_private(folder.authority, authority.certificate)
        Registry(folder).write_revoked()
    # Last: with it, there is a cluster. The certificate is issued for what it says.
    if known is None or known.hosts != config.hosts:
        issue_server(folder, config)
    write_private(folder.config, config.model_dump_json(indent=1))
    return known is None or known.roles != config.roles


def _list_own_hosts() -> list[str]:
    addresses = [
        address.address.partition("%")[0]
        for name, known in psutil.net_if_addrs().items()
        for address in known
        if address.family in (socket.AF_INET, socket.AF_INET6) and not name.startswith(("lo", "docker", "br-", "veth"))
    ]
    usable = [address for address in addresses if not address.startswith("fe80:")]
    # What people type comes first: an address of IPv4.
    return [*sorted(usable, key=lambda address: ":" in address), socket.gethostname().lower()]


def _tell_nodes(folder: ClusterFolder, chosen: Settings) -> None:
    config = folder.load_config()
    port = chosen.cluster.port
    missing = [role for role in NODE_ROLES if role not in config.roles]
    write_line(f"Node A     {', '.join(config.hosts)}")
    write_line(f"Ports      {port} join, {port + 1} Temporal, {port + 2} PostgreSQL (TCP, to be open for the nodes)")
    waits = f"; runs wait until nodes have joined for {join_words(missing)}" if missing else ""
    write_line(f"Roles      {', '.join(config.roles)}{waits}")
    joined = Registry(folder).list()
    if joined:
        write_line(f"Nodes      {', '.join(f'{node.name} ({node.role})' for node in joined)}")
    roles = missing or list(NODE_ROLES)
    lifetime = timedelta(hours=_HOURS)
    token = Tokens(folder).create(folder.load_authority().digest, roles, lifetime, _FIRST_USES)
    write_line(f"Token      {token}")
    write_line(f"           for {_FIRST_USES} nodes within {_HOURS:.0f} h; `hydra cluster token create` makes others")
    write_line()
    write_line("On the other machines:")
    host = config.hosts[0] if port == ClusterSettings().port else join_address(config.hosts[0], port)
    for role in roles:
        write_line(f"  hydra join --host {host} --role {role} --token {token}")


@_token.command("create")
def create_token(
    role: Annotated[
        list[NodeRole] | None, typer.Option(help="A role that it is good for; repeatable. By default both.")
    ] = None,
    uses: Annotated[int, typer.Option(min=1, max=1000, help="The number of nodes that may join with it.")] = 1,
    hours: Annotated[float, typer.Option(min=0.01, max=8760, help="How long it is good for.")] = _HOURS,
) -> None:
    """Make a join token, and print it: it is kept nowhere."""
    folder = ClusterFolder(settings.load_settings().data_dir)
    roles = [str(taken) for taken in role or NODE_ROLES]
    write_line(Tokens(folder).create(folder.load_authority().digest, roles, timedelta(hours=hours), uses))


@_token.command("list")
def list_tokens() -> None:
    """List the tokens by their ids; their secrets are not kept."""
    folder = ClusterFolder(settings.load_settings().data_dir)
    folder.load_config()
    table = Table("id", "roles", "nodes left", "good until (UTC)", "state", box=None)
    for token in Tokens(folder).list():
        until = f"{token.expires:%Y-%m-%d %H:%M}"
        table.add_row(*map(plain, (token.id, ", ".join(token.roles), str(token.uses), until, token.state)))
    make_console().print(table)


@_token.command("revoke")
def revoke_token(token: Annotated[str, typer.Argument(metavar="ID", help="The id, as the list shows it.")]) -> None:
    """Make a token worthless; nodes that have joined with it stay."""
    folder = ClusterFolder(settings.load_settings().data_dir)
    folder.load_config()
    Tokens(folder).revoke(token)
    write_line(f"The token {token} is revoked.")


@GROUP.command()
def revoke(
    node: Annotated[str, typer.Argument(help="The node's name, or the serial number of a certificate.")],
) -> None:
    """Shut a node out at once: its certificate, its connections and its login to the database."""
    from workers.cluster.join_server import revoke_node

    chosen = settings.load_settings()
    folder = ClusterFolder(chosen.data_dir)
    folder.load_config()
    with attach(chosen) as stack:
        record = asyncio.run(revoke_node(folder, stack.database, node))
    write_line(f"The node {record.name} ({record.role}) is shut out. To let it back in, give it a new token.")


@GROUP.command()
def leave() -> None:
    """Make this machine a node no more."""
    folder = MemberFolder(settings.load_settings().data_dir)
    try:
        membership = folder.load()
    except UsageError as error:
        write_line(f"Note       {error}", error=True)
        folder.remove()
        return
    if membership is None:
        raise UsageError("This machine has joined no cluster.")
    service.remove()
    try:
        asyncio.run(joining.leave(folder, membership))
    except (UsageError, TransientError) as error:
        write_line(
            f"Warning: Node A was not told ({error}): run `hydra cluster revoke {membership.name}` there.", error=True
        )
    folder.remove()
    write_line(f"This machine has left the cluster of {membership.host}. A worker that still runs here ends by itself.")
