"""Notices on the desktop. Every user of the machine may see a command line, so it holds our own words and ids alone."""

from __future__ import annotations

import shutil
import sys

from activities.notices.program import run_program
from hydranet.errors import TransientError
from hydranet.notice import Notice, NoticeKind
from hydranet.text.escaping import escape_controls

_SECONDS = 10.0
_SUMMARIES = {
    NoticeKind.WAITING: "A run waits for you",
    NoticeKind.ENDED: "A run has ended",
    NoticeKind.REAPED: "A branch was reaped",
    NoticeKind.BUDGET: "A budget is nearly spent",
    NoticeKind.NODE_LOST: "A node is lost",
    NoticeKind.NO_WORKER: "A queue has no worker",
    NoticeKind.TEST: "This is a test",
}
_URGENT = (NoticeKind.WAITING, NoticeKind.NODE_LOST, NoticeKind.NO_WORKER)
# The notifications of freedesktop.org may hold markup.
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SCRIPT = (
    *("-e", "on run argv"),
    *("-e", "display notification (item 2 of argv) with title (item 1 of argv)"),
    *("-e", "end run"),
)


async def show_on_desktop(notice: Notice) -> None:
    """Show a notice on the desktop of this user. Raises TransientError where there is none."""
    await run_program(build_command(notice), b"", _SECONDS)


def find_program() -> str:
    """Return the program that shows notices. Raises TransientError where this machine has none."""
    if sys.platform == "darwin":
        return "osascript"
    if (program := shutil.which("notify-send")) is None:
        raise TransientError("There is no notify-send here: install libnotify-bin, or leave out the desktop.")
    return program


def build_command(notice: Notice) -> list[str]:
    """Return the command line that shows a notice. Raises TransientError where this machine has no such program."""
    program = find_program()
    summary = f"HydraNet: {_SUMMARIES[notice.kind]}"
    body = escape_controls(" ".join(notice.subject.split()))
    if sys.platform == "darwin":
        return [program, *_SCRIPT, summary, body]
    urgency = "critical" if notice.kind in _URGENT else "normal"
    body = "".join(_MARKUP.get(char, char) for char in body)
    return [program, "--app-name=HydraNet", f"--urgency={urgency}", "--", summary, body]
