"""Notices through a program and on the desktop: what they are given, and what becomes of one that does not end."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from activities.notices import delivery
from activities.notices.delivery import deliver
from activities.notices.desktop import build_command
from hydranet.errors import TransientError
from hydranet.notice import Notice, NoticeKind
from hydranet.notify_settings import CommandTarget, DesktopTarget

TITLE = "<b>It</b> breaks; $(touch /tmp/x) `y` \x1b[2J"
NOTICE = Notice(
    id="1f2e",
    kind=NoticeKind.WAITING,
    at=datetime(2026, 11, 27, tzinfo=UTC),
    subject="fix-<b>-1\n&",
    title=TITLE,
    text="--urgency=low",
)


def write_program(path: Path, text: str) -> Path:
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return path


async def test_a_program_gets_the_notice_as_json_and_none_of_the_workers_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRA_DATABASE", "secret")
    facts = "[json.load(sys.stdin), sys.argv, dict(os.environ)]"
    code = f"import json, os, sys; json.dump({facts}, open({str(tmp_path / 'out')!r}, 'w'))"
    program = write_program(tmp_path / "program", code)
    await deliver(CommandTarget(kind="command", argv=(str(program), "--loud")), NOTICE)
    notice, argv, environment = json.loads((tmp_path / "out").read_text())
    assert (notice["id"], notice["kind"], notice["title"]) == ("1f2e", "waiting", TITLE)
    assert argv[1:] == ["--loud"], "nothing of a notice is in the command line"
    assert "HYDRA_DATABASE" not in environment


async def test_a_program_that_fails_or_is_not_there_is_told(tmp_path: Path) -> None:
    program = write_program(tmp_path / "fails", "import sys; sys.exit('secret')")
    with pytest.raises(TransientError, match=r"ended with 1\.$"):
        await deliver(CommandTarget(kind="command", argv=(str(program),)), NOTICE)
    with pytest.raises(TransientError, match=r"none cannot be started \(No such file or directory\)\.$"):
        await deliver(CommandTarget(kind="command", argv=(str(tmp_path / "none"),)), NOTICE)


async def test_a_program_that_does_not_end_is_killed_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_PROGRAM_SECONDS", 1.0)
    marker = f"{tmp_path}/marker"
    code = f"import subprocess; subprocess.run(['sleep', '600'], env={{'MARKER': {marker!r}}})"
    program = write_program(tmp_path / "hangs", code)
    with pytest.raises(TransientError, match="has not ended within 1 seconds"):
        await deliver(CommandTarget(kind="command", argv=(str(program),)), NOTICE)
    left = [process for process in psutil.process_iter() if is_marked(process, marker)]
    assert left == []


def is_marked(process: psutil.Process, marker: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get("MARKER") == marker
    except psutil.Error:
        return False


async def test_the_desktop_is_shown_our_own_words_and_no_markup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"import json, sys; json.dump(sys.argv, open({str(tmp_path / 'out')!r}, 'w'))"
    write_program(tmp_path / "notify-send", code)
    monkeypatch.setenv("PATH", str(tmp_path))
    await deliver(DesktopTarget(kind="desktop"), NOTICE)
    argv = json.loads((tmp_path / "out").read_text())
    options = ["--app-name=HydraNet", "--urgency=critical", "--"]
    assert argv[1:] == [*options, "HydraNet: A run waits for you", "fix-&lt;b&gt;-1 &amp;"]


def test_a_mac_is_shown_the_same_by_a_script_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    command = build_command(NOTICE)
    assert command[0] == "osascript"
    assert command[-2:] == ["HydraNet: A run waits for you", "fix-<b>-1 &"]


async def test_a_machine_without_a_desktop_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TransientError, match="There is no notify-send here: install libnotify-bin"):
        await deliver(DesktopTarget(kind="desktop"), NOTICE)
