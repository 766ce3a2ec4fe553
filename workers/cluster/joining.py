"""A machine's side of joining a cluster, of renewing its certificate and of leaving."""

from __future__ import annotations

import asyncio
import hmac
import os
import re
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import NamedTuple, TypeVar

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from pydantic import BaseModel, ValidationError

from hydranet.errors import TransientError, UsageError
from hydranet.text.escaping import clean_text
from hydranet.text.formatting import join_words
from workers.cluster.authority import (
    CLOCK_TOLERANCE,
    digest_certificate,
    list_hosts,
    make_key,
    needs_renewal,
    request_certificate,
    write_key,
)
from workers.cluster.membership import MemberFolder, Membership, join_address
from workers.cluster.messages import JoinAnswer, JoinRefusal, JoinRequest, RenewAnswer, RenewRequest
from workers.cluster.tokens import Token
from workers.versions import contract_version

_TIMEOUT = ClientTimeout(total=30, sock_connect=5)
_ANSWER_LIMIT = 256 << 10
_Model = TypeVar("_Model", bound=BaseModel)


class UnreachableError(TransientError):
    """Node A does not answer, which may change."""


class JoinPlace(NamedTuple):
    """Where node A's join server is."""

    host: str
    port: int

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return join_address(self.host, self.port)


def parse_place(text: str, port: int) -> JoinPlace:
    """Return the place of HOST or HOST:PORT, with a default for the port. Raises UsageError where it is none."""
    match = re.fullmatch(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^\s:/@\[\]]+))(?::(?P<port>[0-9]{1,5}))?", text)
    if match is None and re.fullmatch(r"[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*", text):
        return JoinPlace(text, port)
    if match is None or not 0 < int(match["port"] or port) < 65_536:
        raise UsageError(f"'{text}' is no host: give node A's name or address, as HOST or HOST:PORT.")
    return JoinPlace((match["six"] or match["host"]).lower(), int(match["port"] or port))


async def fetch_authority(place: JoinPlace, token: Token) -> str:
    """Return the certificate of node A's authority, which is the one that the token names.

    Raises UnreachableError where nobody answers, UsageError where another authority does or a clock is wrong.
    """
    # Not trusted yet: what comes is trusted by the digest in the token.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with _connect(place, context) as session, session.get("/authority") as answer:
        certificate = (await answer.content.read(_ANSWER_LIMIT)).decode(errors="replace")
        date = answer.headers.get("Date", "")
        server = await asyncio.to_thread(ssl.get_server_certificate, place[:2], timeout=5)
    try:
        digest = digest_certificate(certificate)
    except ValueError:
        raise UsageError(
            f"What answers at {place.address} is no node A of HydraNet: correct --host, or its port."
        ) from None
    if not hmac.compare_digest(digest, token.authority):
        raise UsageError(
            f"The certificate authority at {place.address} is not the one that the token names: correct --host, take a "
            "token of this cluster, and if both are right, somebody else answers for node A."
        )
    _check_clock(date)
    _check_host(place, server)
    return certificate


async def join(
    place: JoinPlace, authority: str, token: Token, name: str, role: str, folder: MemberFolder
) -> Membership:
    """Make this machine a node. Raises UsageError where node A refuses, UnreachableError where it does not answer."""
    key = make_key()
    asked = JoinRequest(
        secret=token.secret,
        name=name,
        role=role,
        request=request_certificate(key, name),
        version=contract_version(),
    )
    async with _connect(place, _trust(authority)) as session:
        given = await _post(session, "/join", asked, JoinAnswer)
    membership = Membership(
        host=place.host,
        port=place.port,
        name=name,
        role=role,
        temporal_port=given.temporal_port,
        namespace=given.namespace,
        login=given.login,
    )
    await asyncio.to_thread(folder.write, membership, authority, write_key(key), given.certificate, given.seal)
    return membership


async def check_in(folder: MemberFolder, membership: Membership) -> None:
    """Ask node A whether this node is one of its own. Raises UsageError and UnreachableError as `renew` does."""
    async with _connect_member(folder, membership) as session:
        await _post(session, "/check", None, None)


async def renew(folder: MemberFolder, membership: Membership, *, at_once: bool = False) -> bool:
    """Fetch the next certificate when a third of the time is left; return whether there is a new one.

    Raises UsageError where node A refuses, UnreachableError where it does not answer.
    """
    if not at_once and not needs_renewal(folder.read_certificate()):
        return False
    key = make_key()
    asked = RenewRequest(request=request_certificate(key, membership.name))
    async with _connect_member(folder, membership) as session:
        given = await _post(session, "/renew", asked, RenewAnswer)
    await asyncio.to_thread(folder.write_certificate, write_key(key), given.certificate, given.seal)
    return True


async def leave(folder: MemberFolder, membership: Membership) -> None:
    """Tell node A that this node leaves. Raises UsageError and UnreachableError as `renew` does."""
    async with _connect_member(folder, membership) as session:
        await _post(session, "/leave", None, None)


@asynccontextmanager
async def _connect_member(folder: MemberFolder, membership: Membership) -> AsyncIterator[ClientSession]:
    try:
        context = _trust(folder.authority.read_text())
        context.load_cert_chain(folder.node)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"The certificate of this node in {folder.root} cannot be used ({error}): run `hydra cluster leave`, and "
            "join again."
        ) from None
    async with _connect(JoinPlace(membership.host, membership.port), context) as session:
        yield session


@asynccontextmanager
async def _connect(place: JoinPlace, context: ssl.SSLContext) -> AsyncIterator[ClientSession]:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    address = place.address
    try:
        async with ClientSession(
            f"https://{address}", connector=TCPConnector(ssl=context), timeout=_TIMEOUT, trust_env=False
        ) as session:
            yield session
    except ssl.SSLCertVerificationError as error:
        raise UsageError(_explain_certificate(address, error)) from None
    except (ClientError, OSError, TimeoutError) as error:
        reason = _explain_connection(error)
        if isinstance(error, ssl.SSLError) or "SSL" in type(error).__name__:
            cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise UsageError(_explain_certificate(address, cause)) from None
            if "ALERT" in str(cause).upper():
                raise UsageError(
                    f"Node A at {address} does not take this node's certificate, which has expired or is of another "
                    "cluster: run `hydra cluster leave`, and join again with a new token."
                ) from None
            raise UsageError(
                f"What answers at {address} is no node A of HydraNet: correct --host, or its port."
            ) from None
        raise UnreachableError(f"Node A does not answer at {address} ({reason}).") from None


def _trust(authority: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority)


async def _post(session: ClientSession, path: str, asked: BaseModel | None, model: type[_Model] | None) -> _Model:
    body = asked.model_dump_json() if asked else "{}"
    async with session.post(path, data=body) as answer:
        text = await answer.content.read(_ANSWER_LIMIT)
        if answer.status != 200:
            try:
                sentence = JoinRefusal.model_validate_json(text).error
            except ValidationError:
                sentence = f"Node A failed to answer (status {answer.status}): see logs/stack.log there."
            raise UsageError(clean_text(sentence))
        if model is None:
            return None  # type: ignore[return-value]
        try:
            return model.model_validate_json(text)
        except ValidationError:
            raise UsageError(
                "Node A's answer is malformed: install the same version of HydraNet here and there."
            ) from None


def _check_clock(date: str) -> None:
    try:
        late = time.time() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return
    if abs(late) > CLOCK_TOLERANCE.total_seconds():
        minutes = f"{abs(late) / 60:.0f} minutes {'ahead of' if late > 0 else 'behind'}"
        raise UsageError(
            f"The clock of this machine is {minutes} node A's, so that certificates are not valid: correct the one "
            "that is wrong (`timedatectl set-ntp true`)."
        )


def _check_host(place: JoinPlace, certificate: str) -> None:
    hosts = [host.lower() for host in list_hosts(certificate)]
    if place.host not in hosts:
        raise UsageError(
            f"Node A's certificate is for {join_words(hosts)}, not for {place.host}: give one of these to --host, or "
            f"run `hydra cluster init --host {place.host}` on node A."
        )


def _explain_certificate(address: str, error: ssl.SSLCertVerificationError) -> str:
    text = error.verify_message or str(error)
    if "not yet valid" in text:
        return f"The certificate of node A at {address} is not valid yet: correct the clock of this machine or of A."
    if "expired" in text:
        return f"The certificate of node A at {address} has expired: correct the clock, or run `hydra up` on node A."
    return (
        f"What answers at {address} has no certificate of the cluster's authority ({text}): correct --host, or join "
        "again with a token of that cluster."
    )


def _explain_connection(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no packet comes back: is the host right, and its firewall open?"
    cause = getattr(error, "os_error", error)
    number = getattr(cause, "errno", None) or 0
    # The loop's own words have no reason in them, and a name that is not known has no number of the system's.
    return os.strerror(number) if number > 0 else getattr(cause, "strerror", "") or "the connection ended"
