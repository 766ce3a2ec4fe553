"""Whom a supervisor tells of runs and nodes, and how: targets of notices. Only its owner's settings name them."""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from hydranet.bounded_models import CLEAN
from hydranet.notice import EVENTS, NoticeKind
from hydranet.setting_values import drop_repeated

_REFERENCE = r"env:[A-Za-z_][A-Za-z0-9_]{0,199}|file:(?:/|~/)[^\x00\r\n]{1,1000}"
_URL = rf"https?://[^\s@/?#\\]{{1,300}}(?:[/?][^\s\\]{{0,1500}})?|{_REFERENCE}"
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]{1,64}@[A-Za-z0-9.-]{1,190}")


def _check_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("an address is NAME@HOST alone")
    return text


def _check_events(events: tuple[NoticeKind, ...]) -> tuple[NoticeKind, ...]:
    if unknown := [event for event in events if event not in EVENTS]:
        raise ValueError(f"{unknown[0]} is sent by `hydra notify test` alone")
    return drop_repeated(events)


Reference = Annotated[str, Field(pattern=rf"^(?:{_REFERENCE})?$")]
"""Where a secret is: `env:NAME` or `file:PATH`, whose first line it is; empty without one."""

_Address = Annotated[str, AfterValidator(_check_address)]
_Argument = Annotated[str, CLEAN, StringConstraints(min_length=1, max_length=1000)]


class _Target(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$|^$")] = ""
    events: Annotated[tuple[NoticeKind, ...], Field(min_length=1), AfterValidator(_check_events)] = EVENTS


class WebhookTarget(_Target):
    """A server that takes notices as JSON, signed with a secret where one is named."""

    kind: Literal["webhook"]
    url: Annotated[str, Field(pattern=rf"^(?:{_URL})$", repr=False)]
    secret: Reference = ""


class DesktopTarget(_Target):
    """The desktop of whom the supervisor runs as."""

    kind: Literal["desktop"]


class EmailTarget(_Target):
    """A mailbox, reached by SMTP over TLS; without it on this machine alone."""

    kind: Literal["email"]
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    login: Annotated[str, CLEAN, StringConstraints(max_length=200)] = ""
    password: Reference = ""
    sender: _Address
    to: Annotated[tuple[_Address, ...], Field(min_length=1, max_length=20)]

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class CommandTarget(_Target):
    """A program of this machine, which gets the notice as JSON on its standard input."""

    kind: Literal["command"]
    argv: Annotated[tuple[_Argument, ...], Field(min_length=1, max_length=50)]


NotifyTarget = Annotated[WebhookTarget | DesktopTarget | EmailTarget | CommandTarget, Field(discriminator="kind")]
_Targets = TypeVar("_Targets", bound=Iterable[WebhookTarget | DesktopTarget | EmailTarget | CommandTarget])


def name_target(target: NotifyTarget) -> str:
    """Return what a target is called: its name, or its kind."""
    return target.name or target.kind


def _check_targets(targets: _Targets) -> _Targets:
    names = [name_target(target) for target in targets]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise ValueError(f'two targets are called {twice}: give each a "name" of its own')
    for target in targets:
        if isinstance(target, EmailTarget) and target.security == "none" and not target.is_local:
            raise ValueError('"security": "none" is for a server on this machine alone: take starttls or tls')
        if isinstance(target, EmailTarget) and bool(target.login) != bool(target.password):
            raise ValueError('a login needs a "password", and a password a "login"')
    return targets


NotifyTargets = Annotated[tuple[NotifyTarget, ...], Field(max_length=20), AfterValidator(_check_targets)]
