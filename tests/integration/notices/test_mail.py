"""Notices by e-mail, on a real mail server: over TLS, with a login, and never in clear where TLS is asked for."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from activities.notices.delivery import deliver
from hydranet.errors import TransientError
from hydranet.notice import Notice, NoticeFact, NoticeKind
from hydranet.notify_settings import EmailTarget
from tests.tls import Authority

PASSWORD = "a password that nobody guesses"
NOTICE = Notice(
    id="1f2e",
    kind=NoticeKind.WAITING,
    at=datetime(2026, 11, 27, tzinfo=UTC),
    subject="fix-shop-1",
    title="Is it to be published?\r\nBcc: eve@example.org\n\x1b[2J — schön",
    text="Really?",
    run="fix-shop-1",
    facts=(NoticeFact(label="Passes", text="test_a"),),
    commands=("hydra approve fix-shop-1",),
    diff="+++ b/a.py\n.\n+x = 2\n",
)


class Mailbox:
    """What a mail server took; it refuses mails while it `fails`."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.fails = False
        self.clear = False

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.fails:
            return "451 Come back later, ann"
        self.clear |= server.transport.get_extra_info("ssl_object") is None
        self.envelopes.append(envelope)
        return "250 OK"

    @property
    def messages(self) -> list[Message]:
        contents = (envelope.content for envelope in self.envelopes)
        return [message_from_bytes(content, policy=default) for content in contents if isinstance(content, bytes)]


Serve = Callable[..., Awaitable[EmailTarget]]


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
async def serve(mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """Start a mail server, and return it as a target: `serve(security="tls", offers_tls=True)`."""
    authority = Authority(tmp_path)
    certificate = authority.issue("mail")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)

    def check(server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ann", PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    async with AsyncExitStack() as stack:

        async def started(security: str = "starttls", *, offers_tls: bool = True, **more: Any) -> EmailTarget:
            def speak() -> SMTP:
                asks = security != "none"
                tls = context if security == "starttls" and offers_tls else None
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of logins without STARTTLS, where TLS is there from the start
                    return SMTP(
                        mailbox,
                        tls_context=tls,
                        authenticator=check if asks else None,
                        auth_required=asks,
                        auth_require_tls=security == "starttls",
                    )

            own = context if security == "tls" else None
            server = await asyncio.get_running_loop().create_server(speak, "127.0.0.1", 0, ssl=own)
            await stack.enter_async_context(server)
            login = {"login": "ann", "password": "env:MAIL_PASSWORD"} if security != "none" else {}
            return EmailTarget.model_validate(
                {
                    **{"kind": "email", "host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]},
                    **{"security": security, "sender": "hydra@example.org", "to": ["ann@example.org"], **login, **more},
                }
            )

        yield started


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_a_notice_arrives(serve: Serve, mailbox: Mailbox, security: str) -> None:
    target = await serve(security)
    await deliver(target, NOTICE)
    await deliver(target, NOTICE)
    assert mailbox.clear == (security == "none")
    first, repeat = mailbox.messages
    assert first["Message-ID"] == repeat["Message-ID"] == "<1f2e@example.org>"
    assert (first["From"], first["To"]) == ("hydra@example.org", "ann@example.org")
    assert first["Bcc"] is None, "what a repository wrote makes no header"
    assert mailbox.envelopes[0].rcpt_tos == ["ann@example.org"]
    assert "\n" not in first["Subject"]
    assert first["Subject"].startswith("[HydraNet] Is it to be published? Bcc: eve@example.org ␛[2J — schön")
    body = first.get_payload(decode=True)
    assert isinstance(body, bytes)
    text = body.decode().replace("\r\n", "\n")
    assert "Passes: test_a\n" in text
    assert "    hydra approve fix-shop-1\n" in text
    assert "+++ b/a.py\n.\n+x = 2\n" in text, "a line with a dot alone ends no mail"
    assert "\x1b" not in text


async def test_a_server_without_starttls_gets_nothing(serve: Serve, mailbox: Mailbox) -> None:
    target = await serve(offers_tls=False)
    with pytest.raises(TransientError, match=r"^The mail server of email offers no STARTTLS, or no login\.$"):
        await deliver(target, NOTICE)
    assert mailbox.envelopes == []


async def test_a_server_that_cannot_be_trusted_gets_nothing(
    serve: Serve, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await serve("tls")
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(TransientError, match="certificate of the mail server of email is not to be trusted"):
        await deliver(target, NOTICE)
    assert mailbox.envelopes == []


async def test_what_goes_wrong_is_told_without_the_servers_words_or_the_password(
    serve: Serve, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await serve()
    mailbox.fails = True
    with pytest.raises(TransientError, match=r"^The mail server of email does not take the notice \(SMTP 451\)\.$"):
        await deliver(target, NOTICE)
    monkeypatch.setenv("MAIL_PASSWORD", "wrong")
    with pytest.raises(TransientError, match=r"^The mail server of email refuses the login \(SMTP 535\)\.$"):
        await deliver(target, NOTICE)
    monkeypatch.delenv("MAIL_PASSWORD")
    with pytest.raises(TransientError, match="The variable MAIL_PASSWORD is not set for the supervisor"):
        await deliver(target, NOTICE)
    with pytest.raises(TransientError, match="cannot be reached"):
        await deliver(target.model_copy(update={"port": 1, "password": "", "login": ""}), NOTICE)
