"""The checks of a cluster on node A: its ports, its certificate, the names that nodes know it by, and its nodes."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime

import psutil

from hydra_cli.checks.certificates import check_expiry
from hydra_cli.checks.placed import PlacedCheck, report, report_error
from hydra_cli.checks.ports import knock
from hydranet.contracts import Level
from hydranet.errors import UsageError
from hydranet.settings import Settings
from workers.cluster.folder import ClusterFolder
from workers.cluster.membership import join_address
from workers.cluster.registry import NodeRecord, Registry

WHERE = "cluster"
_SERVERS = ("the join server", "Temporal", "PostgreSQL")


async def check_front(chosen: Settings) -> AsyncIterator[PlacedCheck]:
    """Yield what nodes need of this machine, where it is node A and its stack runs."""
    folder = ClusterFolder(chosen.data_dir)
    if not folder.exists:
        return
    try:
        hosts, certificate = folder.load_config().hosts, folder.server.read_bytes()
    except (UsageError, OSError) as error:
        yield report_error(WHERE, "settings", UsageError(f"{error}: run `hydra cluster init`."))
        return
    for number, server in enumerate(_SERVERS):
        yield await _check_port(hosts, chosen.cluster.port + number, server)
    yield await asyncio.to_thread(_check_names, hosts)
    yield check_expiry(WHERE, "its certificate", certificate, "It renews itself while the stack runs: `hydra up`.")
    for node in Registry(folder).list():
        yield check_node(node, datetime.now(UTC))


def check_node(node: NodeRecord, now: datetime) -> PlacedCheck:
    """Return whether a node's certificate is good."""
    name = f"node {node.name} ({node.role})"
    until = f"{node.expires:%Y-%m-%d %H:%M} UTC"
    if node.expires > now:
        return report(WHERE, name, f"its certificate {node.certificates[-1].serial} is good until {until}")
    remedy = f"Have it join again with a new token, or forget it: `hydra cluster revoke {node.name}`."
    return report(WHERE, name, f"its certificate expired on {until}", Level.WARN, remedy)


async def _check_port(hosts: list[str], port: int, server: str) -> PlacedCheck:
    problems = []
    for host in hosts:
        error = await knock(host, port)
        if error is None:
            return report(WHERE, f"port of {server}", f"{join_address(host, port)} answers")
        code = error.errno if isinstance(error, OSError) else None
        problems.append(f"{join_address(host, port)}: {os.strerror(code) if code else 'nothing comes back'}")
    remedy = "See the log of the stack (`hydra doctor` names its folder), and the firewall of this machine."
    return report(WHERE, f"port of {server}", "; ".join(problems), Level.FAIL, remedy)


def _check_names(hosts: list[str]) -> PlacedCheck:
    """Return whether one of the hosts is this machine, whose address may have changed."""
    own = {address.address.partition("%")[0] for known in psutil.net_if_addrs().values() for address in known}
    for host in hosts:
        with suppress(OSError, UnicodeError):
            if own.intersection(str(known[4][0]) for known in socket.getaddrinfo(host, None)):
                return report(WHERE, "names", f"nodes reach this machine as {', '.join(hosts)}")
    remedy = "Give the machine its address back, or name another: `hydra cluster init --host ADDRESS`."
    return report(WHERE, "names", f"{', '.join(hosts)}: none is this machine any more", Level.WARN, remedy)
