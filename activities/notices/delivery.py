"""The way to each kind of target. Whatever fails is a sentence without the secrets, and is tried again."""

from __future__ import annotations

from activities.notices.desktop import show_on_desktop
from activities.notices.mail import send_mail
from activities.notices.program import run_program
from activities.notices.webhook import post_webhook
from hydranet.notice import Notice
from hydranet.notify_settings import CommandTarget, DesktopTarget, EmailTarget, NotifyTarget, WebhookTarget

# A program may be waiting for a server of its own.
_PROGRAM_SECONDS = 60.0


async def deliver(target: NotifyTarget, notice: Notice) -> None:
    """Have a target take a notice. Raises TransientError where it does not."""
    match target:
        case WebhookTarget():
            await post_webhook(target, notice)
        case EmailTarget():
            await send_mail(target, notice)
        case DesktopTarget():
            await show_on_desktop(notice)
        case CommandTarget():
            await run_program(target.argv, notice.model_dump_json().encode(), _PROGRAM_SECONDS)
