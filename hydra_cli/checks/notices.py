"""The checks of whom notices go to: what the settings name is there, and secrets can be read. Nothing is sent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence

from activities.notices.desktop import find_program
from activities.notices.secrets import read_secret
from hydra_cli.checks.placed import PlacedCheck, report
from hydranet.contracts import Level
from hydranet.errors import TransientError
from hydranet.notify_settings import (
    CommandTarget,
    DesktopTarget,
    EmailTarget,
    NotifyTarget,
    WebhookTarget,
    name_target,
)

WHERE = "notices"
_TRY = "`hydra notify test` tries it"


def check_notices(targets: Sequence[NotifyTarget]) -> Iterator[PlacedCheck]:
    """Yield how the targets are that this machine's settings name."""
    for target in targets:
        try:
            yield _check(target)
        except TransientError as error:
            cause, _, remedy = str(error).partition(": ")
            yield report(WHERE, name_target(target), cause, Level.FAIL, f"{remedy[:1].upper()}{remedy[1:]}")


def _check(target: NotifyTarget) -> PlacedCheck:
    name = name_target(target)
    for reference in _list_references(target):
        read_secret(reference)
    match target:
        case WebhookTarget(secret=""):
            remedy = "Set its 'secret', by which the server knows who sent a notice."
            return report(WHERE, name, "a webhook without a signature", Level.WARN, remedy)
        case WebhookTarget(url=url) if url.startswith("http://"):
            remedy = "Take https:// unless the way there is your own: notices hold code."
            return report(WHERE, name, "a webhook in clear", Level.WARN, remedy)
        case WebhookTarget():
            return report(WHERE, name, f"a signed webhook; {_TRY}")
        case EmailTarget():
            return report(WHERE, name, f"e-mail by {target.host}:{target.port} ({target.security}); {_TRY}")
        case DesktopTarget():
            find_program()
            if not os.environ.get("DBUS_SESSION_BUS_ADDRESS") and not os.environ.get("XDG_RUNTIME_DIR"):
                remedy = "Start the stack from your desktop, or leave out the desktop."
                return report(WHERE, name, "there is no desktop session here", Level.WARN, remedy)
            return report(WHERE, name, f"notifications of the desktop; {_TRY}")
        case CommandTarget():
            if (program := shutil.which(target.argv[0])) is None:
                remedy = "Correct its 'argv': give the path of a program."
                return report(WHERE, name, f"there is no program {target.argv[0]}", Level.FAIL, remedy)
            return report(WHERE, name, f"the program {program}; {_TRY}")


def _list_references(target: NotifyTarget) -> Iterator[str]:
    match target:
        case WebhookTarget():
            yield from (text for text in (target.url, target.secret) if text.startswith(("env:", "file:")))
        case EmailTarget():
            yield from filter(None, (target.password,))
