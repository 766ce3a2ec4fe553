"""The checks of the way to Temporal's server: name, port, certificates, and whether it lets us in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator

from temporalio.client import Client
from temporalio.service import ConnectConfig, TLSConfig

from activities.inference.addresses import is_loopback
from hydra_cli.checks.certificates import check_expiry
from hydra_cli.checks.placed import PlacedCheck, report, report_error
from hydra_cli.checks.ports import knock
from hydranet.contracts import Level
from hydranet.errors import UsageError
from hydranet.settings import TemporalSettings
from workers.connection import check_namespace, connect
from workers.sealing import KeyRing
from workers.temporal_profile import build_config

WHERE = "Temporal"
_SECONDS = 3.0


async def check_way(settings: TemporalSettings) -> AsyncIterator[PlacedCheck]:
    """Yield whether the server's name is known, its port answers, and which certificates expire when."""
    if settings.address.startswith("unix:"):
        yield report(WHERE, "address", f"HydraNet's own server, at {settings.address}")
        return
    try:
        config = build_config(settings)
    except UsageError as error:
        yield report_error(WHERE, "settings", error)
        return
    host, _, port = config.target_host.rpartition(":")
    host = host.strip("[]")
    name = await _check_name(host, port)
    yield name
    if name.check.level is Level.FAIL:
        return
    answer = await _check_port(host, int(port))
    yield answer
    if answer.check.level is Level.OK:
        async for finding in _check_certificates(config, host, int(port)):
            yield finding


async def check_access(
    settings: TemporalSettings, keys: KeyRing, *, embedded: bool
) -> tuple[Client | None, list[PlacedCheck]]:
    """Return a client, None where the server lets none in, and whether its namespace can be used."""
    try:
        client = await connect(settings, keys, embedded=embedded)
    except UsageError as error:
        return None, [report_error(WHERE, "connection", error)]
    try:
        await check_namespace(client)
    except UsageError as error:
        return None, [report_error(WHERE, "namespace", error)]
    return client, [report(WHERE, "connection", f"it answers, and has the namespace {client.namespace}")]


async def _check_name(host: str, port: str) -> PlacedCheck:
    try:
        loop = asyncio.get_running_loop()
        known = await asyncio.wait_for(loop.getaddrinfo(host, port), _SECONDS)
    except (OSError, UnicodeError, TimeoutError, ValueError):
        remedy = "Correct 'temporal.address' or TEMPORAL_ADDRESS, or the name service of this machine (/etc/hosts)."
        return report(WHERE, "name", f"{host} is not known here", Level.FAIL, remedy)
    addresses = list(dict.fromkeys(str(address[4][0]) for address in known))
    return report(WHERE, "name", host if addresses == [host] else f"{host} is {', '.join(addresses)}")


async def _check_port(host: str, port: int) -> PlacedCheck:
    where = f"{host}:{port}"
    error = await knock(host, port)
    if error is None:
        return report(WHERE, "port", f"{where} answers")
    if isinstance(error, TimeoutError):
        remedy = "Start the server there, or open the port in the firewalls on the way."
        return report(WHERE, "port", f"nothing comes back from {where}", Level.FAIL, remedy)
    remedy = "Start the server there, or correct the port."
    reason = os.strerror(error.errno or 0) if isinstance(error, OSError) else str(error)
    return report(WHERE, "port", f"{where} refuses ({reason})", Level.FAIL, remedy)


async def _check_certificates(config: ConnectConfig, host: str, port: int) -> AsyncIterator[PlacedCheck]:
    tls = config.tls
    if not tls:
        local = is_loopback(host)
        remedy = "" if local else "Set TEMPORAL_TLS=true where the server can, and its certificates."
        yield report(WHERE, "TLS", "not in use", Level.OK if local else Level.WARN, remedy)
        return
    name = (tls.domain if isinstance(tls, TLSConfig) else None) or host
    certificate = await _fetch_certificate(host, port, name)
    if certificate is None:
        yield report(WHERE, "TLS", f"{host}:{port} does not speak it", Level.FAIL, "Unset the variables TEMPORAL_TLS*.")
        return
    yield check_expiry(
        WHERE, "the server's certificate", ssl.DER_cert_to_PEM_cert(certificate).encode(), "Renew it there."
    )
    if isinstance(tls, TLSConfig) and tls.client_cert:
        remedy = "Have it renewed: it is the one of TEMPORAL_TLS_CLIENT_CERT_PATH, or of `hydra join`."
        yield check_expiry(WHERE, "your certificate", tls.client_cert, remedy)


async def _fetch_certificate(host: str, port: int, name: str) -> bytes | None:
    context = ssl.create_default_context()
    # Whether it can be trusted is for the client to say; nothing is sent over this connection.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return await asyncio.to_thread(_shake_hands, context, host, port, name)


def _shake_hands(context: ssl.SSLContext, host: str, port: int, name: str) -> bytes | None:
    # Not by asyncio: a server that misses our certificate hangs up, and what it showed would be gone.
    with (
        contextlib.suppress(OSError),
        socket.create_connection((host, port), _SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        return secured.getpeercert(binary_form=True)
    return None
