"""What a node and node A's join server say to each other, as JSON over TLS."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

NODE_NAME = r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?"
"""The form of a node's name, which is part of its login's."""

_Short = Annotated[str, StringConstraints(max_length=200)]
_Pem = Annotated[str, StringConstraints(max_length=10_000)]


class JoinRequest(BaseModel):
    """A node that wants to join: the token's secret, and a request for a certificate."""

    model_config = ConfigDict(extra="forbid")

    secret: _Short
    name: Annotated[str, StringConstraints(pattern=rf"^{NODE_NAME}$")]
    role: Literal["inference", "sandbox"]
    request: _Pem
    version: _Short


class Login(BaseModel):
    """How a node reaches the database."""

    port: int
    database: _Short
    user: _Short
    password: _Short


class JoinAnswer(BaseModel):
    """What makes a machine a node."""

    certificate: _Pem
    temporal_port: int
    namespace: _Short
    login: Login
    seal: Annotated[str, StringConstraints(max_length=100_000)]


class RenewRequest(BaseModel):
    """A node that wants its next certificate, asked for with its present one."""

    model_config = ConfigDict(extra="forbid")

    request: _Pem


class RenewAnswer(BaseModel):
    """The next certificate, and the keys of the role as they are now."""

    certificate: _Pem
    seal: Annotated[str, StringConstraints(max_length=100_000)]


class JoinRefusal(BaseModel):
    """Why a request was refused, in one sentence."""

    error: Annotated[str, StringConstraints(max_length=2000)]
