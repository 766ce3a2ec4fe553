"""Notices by webhook: what a server gets, and what is told of one that does not take it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.notices import webhook
from activities.notices.delivery import deliver
from hydranet.errors import TransientError
from hydranet.notice import Notice, NoticeKind
from hydranet.notify_settings import WebhookTarget
from tests.webhook_receiver import SECRET, Receiver

NOTICE = Notice(id="1f2e", kind=NoticeKind.ENDED, at=datetime(2026, 11, 27, tzinfo=UTC), subject="fix-1", title="é")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    server = Receiver()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def secret(tmp_path: Path) -> str:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\nno part of it\n")
    file.chmod(0o600)
    return f"file:{file}"


async def test_a_notice_is_signed_over_its_id_its_time_and_its_body(receiver: Receiver, secret: str) -> None:
    await deliver(WebhookTarget(kind="webhook", url=receiver.url, secret=secret), NOTICE)
    (delivery,) = receiver.deliveries
    assert delivery.id == "1f2e"
    assert delivery.notice["title"] == "é"
    assert delivery.is_signed()
    assert not delivery.is_signed("another secret")


async def test_the_address_may_be_a_secret_itself(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", receiver.url)
    await deliver(WebhookTarget(kind="webhook", url="env:HOOK"), NOTICE)
    assert "webhook-signature" not in receiver.deliveries[0].headers


def test_a_secret_of_standard_webhooks_is_its_bytes() -> None:
    # The example of the specification.
    secret = "whsec_plJ3nmyCDGBKInavdOK15jsl"
    headers = webhook.sign("msg_loFOjxBNrRLzqYUf", 1731705121, b'{"event_type":"ping","data":{"success":true}}', secret)
    assert headers["webhook-signature"] == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


async def test_no_redirect_is_followed(receiver: Receiver, secret: str) -> None:
    receiver.behaviour = "moves"
    with pytest.raises(TransientError, match="HTTP 307"):
        await deliver(WebhookTarget(kind="webhook", url=receiver.url, secret=secret), NOTICE)
    assert len(receiver.deliveries) == 1


async def test_what_goes_wrong_is_told_without_the_address(
    receiver: Receiver, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = WebhookTarget(kind="webhook", name="phone", url=receiver.url, secret=secret)
    receiver.behaviour = "fails"
    with pytest.raises(TransientError, match=r"^The server of phone does not take the notice \(HTTP 500\)\.$"):
        await deliver(target, NOTICE)
    receiver.behaviour = "hangs"
    monkeypatch.setattr(webhook, "_SECONDS", 0.5)
    with pytest.raises(TransientError, match="The server of phone does not answer within"):
        await deliver(target, NOTICE)
    await receiver.stop()
    with pytest.raises(TransientError, match=r"^The server of phone cannot be reached \(ConnectError\)\.$"):
        await deliver(target, NOTICE)


async def test_a_secret_that_others_can_read_is_refused(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "open").write_text(SECRET)
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(TransientError, match="is open to other users: close it"):
        await deliver(WebhookTarget(kind="webhook", url=receiver.url, secret=f"file:{tmp_path / 'open'}"), NOTICE)
    with pytest.raises(TransientError, match="cannot be read"):
        await deliver(WebhookTarget(kind="webhook", url=receiver.url, secret=f"file:{tmp_path / 'none'}"), NOTICE)
    assert receiver.deliveries == []
