"""Notices by e-mail: SMTP over TLS from the start, or after STARTTLS, which is never left out where it is asked for."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from activities.notices.secrets import read_secret
from hydranet.errors import TransientError
from hydranet.notice import Notice
from hydranet.notify_settings import EmailTarget, name_target
from hydranet.report.notice import render_text
from hydranet.text.escaping import escape_controls
from hydranet.text.truncation import keep_start

_SECONDS = 15.0
_SUBJECT_CHARACTERS = 150


async def send_mail(target: EmailTarget, notice: Notice) -> None:
    """Hand a notice to a mail server. Raises TransientError where it does not take it, without the server's words."""
    password = read_secret(target.password) if target.password else ""
    await asyncio.to_thread(_send, target, build_message(target, notice), password)


def build_message(target: EmailTarget, notice: Notice) -> EmailMessage:
    """Return a notice as a message, whose headers hold one line each whatever a repository or a model wrote."""
    message = EmailMessage(policy=SMTP)
    subject = " ".join(escape_controls(" ".join(notice.title.split())).split())
    message["Subject"] = f"[HydraNet] {keep_start(subject, _SUBJECT_CHARACTERS)}"
    message["From"] = target.sender
    message["To"] = ", ".join(target.to)
    message["Date"] = format_datetime(notice.at)
    # A repeat has the same, by which a mailbox knows it.
    message["Message-ID"] = f"<{notice.id}@{target.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(render_text(notice))
    return message


def _send(target: EmailTarget, message: EmailMessage, password: str) -> None:
    name = name_target(target)
    try:
        with _connect(target) as server:
            if target.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if target.login:
                server.login(target.login, password)
            server.send_message(message, target.sender, list(target.to))
    except smtplib.SMTPNotSupportedError:
        raise TransientError(f"The mail server of {name} offers no STARTTLS, or no login.") from None
    except smtplib.SMTPAuthenticationError as error:
        raise TransientError(f"The mail server of {name} refuses the login (SMTP {error.smtp_code}).") from None
    except smtplib.SMTPResponseException as error:
        raise TransientError(f"The mail server of {name} does not take the notice (SMTP {error.smtp_code}).") from None
    except smtplib.SMTPRecipientsRefused:
        raise TransientError(f'The mail server of {name} knows no mailbox of those in "to".') from None
    except ssl.SSLCertVerificationError as error:
        raise TransientError(
            f"The certificate of the mail server of {name} is not to be trusted ({error.verify_message})."
        ) from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise TransientError(f"The mail server of {name} cannot be reached ({type(error).__name__}).") from None


def _connect(target: EmailTarget) -> smtplib.SMTP:
    # Not the name of this machine, which a mail server would pass on.
    own = "localhost"
    if target.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(target.host, target.port, own, timeout=_SECONDS, context=context)
    return smtplib.SMTP(target.host, target.port, own, timeout=_SECONDS)
