"""Whom notices go to is said by the owner alone, with secrets by reference; what is wrong is one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from hydranet import settings
from hydranet.errors import UsageError
from hydranet.notice import EVENTS, NoticeKind
from hydranet.notify_settings import name_target

HOOK = {"kind": "webhook", "url": "https://example.org/hook?key=1", "secret": "env:HOOK_SECRET"}
MAIL = {"kind": "email", "host": "mail.example.org", "sender": "a@example.org", "to": ["b@example.org"]}


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def load(*targets: dict[str, Any]) -> settings.Settings:
    file = settings.locate_user_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"notify": list(targets)}))
    return settings.load_settings()


def test_every_kind_of_target_has_a_name_and_hears_of_everything_unless_it_says_otherwise() -> None:
    chosen = load(
        HOOK,
        {**MAIL, "login": "a", "password": "file:~/.mail", "events": ["ended", "ended"]},
        {"kind": "desktop"},
        {"kind": "command", "argv": ["/usr/bin/say", "--loud"], "name": "speaker"},
    )
    assert [name_target(target) for target in chosen.notify] == ["webhook", "email", "desktop", "speaker"]
    assert [target.events for target in chosen.notify] == [EVENTS, (NoticeKind.ENDED,), EVENTS, EVENTS]
    assert "key=1" not in repr(chosen)


def test_targets_come_from_a_variable_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_NOTIFY", json.dumps([HOOK]))
    assert settings.load_settings().notify[0].kind == "webhook"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "pigeon"}, "notify.0"),
        ({**HOOK, "url": "ftp://example.org"}, "'notify.0.webhook.url'"),
        ({**HOOK, "url": "https://user:password@example.org"}, "'notify.0.webhook.url'"),
        ({**HOOK, "url": "https://example.org/\r\nHost: x"}, "'notify.0.webhook.url'"),
        ({**HOOK, "secret": "hunter2"}, "'notify.0.webhook.secret'"),
        ({**HOOK, "events": ["test"]}, "test is sent by `hydra notify test` alone"),
        ({**HOOK, "events": []}, "'notify.0.webhook.events'"),
        ({**HOOK, "name": "a b"}, "'notify.0.webhook.name'"),
        ({**MAIL, "to": ["b@example.org\r\nBcc: c@example.org"]}, "an address is NAME@HOST alone"),
        ({**MAIL, "to": []}, "'notify.0.email.to'"),
        ({**MAIL, "host": "mail\r\nx"}, "'notify.0.email.host'"),
        ({**MAIL, "security": "none"}, "for a server on this machine alone"),
        ({**MAIL, "login": "a"}, 'a login needs a "password"'),
        ({"kind": "command", "argv": []}, "'notify.0.command.argv'"),
        ({"kind": "command", "argv": "rm -rf /"}, "'notify.0.command.argv'"),
        ({"kind": "desktop", "argv": ["x"]}, "notify.0.desktop.argv"),
    ],
)
def test_what_is_wrong_is_told_without_the_value(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as raised:
        load(wrong)
    assert words in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert "password@" not in str(raised.value)


def test_two_targets_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match='two targets are called webhook: give each a "name" of its own'):
        load(HOOK, HOOK)


def test_a_repository_tells_nobody(tmp_path: Path) -> None:
    (tmp_path / settings.CONFIG_NAME).write_text(json.dumps({"notify": [{"kind": "command", "argv": ["/bin/sh"]}]}))
    with pytest.raises(UsageError, match="may not set 'notify', which is not a repository's to decide"):
        settings.load_settings(tmp_path)
