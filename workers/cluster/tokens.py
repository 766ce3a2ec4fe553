"""Join tokens: `hn1.SHA256-OF-THE-AUTHORITY.SECRET`, good for some roles, a while and a number of nodes.

Node A keeps the digest of each secret only: whoever reads its files cannot join.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, RootModel

from activities.private_file import write_private
from hydranet.errors import UsageError
from workers.cluster.folder import ClusterFolder

_VERSION = "hn1"
_FORM = re.compile(rf"{_VERSION}\.([0-9a-f]{{64}})\.([A-Za-z0-9_-]{{20,100}})")
_REMEDY = "make another on node A with `hydra cluster token create`"

# For whoever wonders why a token does not work.
_KEPT = timedelta(days=7)


class Token(NamedTuple):
    """A token's parts: the digest of the authority's certificate, and the secret."""

    authority: str
    secret: str


class TokenRecord(BaseModel):
    """What node A keeps of a token."""

    id: str
    digest: str
    created: datetime
    expires: datetime
    uses: int
    roles: list[str]

    @property
    def state(self) -> str:
        """Whether it still opens: valid, expired or used up."""
        if self.expires <= datetime.now(UTC):
            return "expired"
        return "valid" if self.uses > 0 else "used up"


class _Records(RootModel[list[TokenRecord]]):
    pass


class RefusedTokenError(UsageError):
    """A token that opens nothing here."""


def parse_token(text: str) -> Token:
    """Return the parts of a token. Raises UsageError where the text is none."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"This is no join token: it has the form {_VERSION}.AUTHORITY.SECRET; copy all of what "
            "`hydra cluster token create` printed on node A."
        )
    return Token(match[1], match[2])


class Tokens:
    """The tokens of a cluster."""

    def __init__(self, folder: ClusterFolder) -> None:
        self._folder = folder

    def create(self, authority: str, roles: Sequence[str], lifetime: timedelta, uses: int) -> str:
        """Create a token and return its text, which is kept nowhere."""
        secret = secrets.token_urlsafe(32)
        digest = _digest(secret)
        now = datetime.now(UTC)
        record = TokenRecord(
            id=digest[:8], digest=digest, created=now, expires=now + lifetime, uses=uses, roles=list(roles)
        )
        with self._folder.lock():
            self._write([*(kept for kept in self.list() if kept.expires > now - _KEPT), record])
        return f"{_VERSION}.{authority}.{secret}"

    def list(self) -> list[TokenRecord]:
        """Return the records, oldest first."""
        return _read(self._folder.tokens)

    def revoke(self, identifier: str) -> None:
        """Forget the token of that id. Raises UsageError where there is none."""
        with self._folder.lock():
            records = self.list()
            kept = [record for record in records if record.id != identifier]
            if len(kept) == len(records):
                raise UsageError(f"There is no token '{identifier}': see `hydra cluster token list`.")
            self._write(kept)

    def check(self, secret: str, role: str) -> None:
        """Raise RefusedTokenError where the secret does not let a node of the role in."""
        self._find(secret, role)

    def take(self, secret: str, role: str) -> None:
        """Use a token once. Raises RefusedTokenError as `check` does."""
        with self._folder.lock():
            records = self.list()
            identifier = self._find(secret, role).id
            used = [record.model_copy(update={"uses": record.uses - (record.id == identifier)}) for record in records]
            self._write(used)

    def _find(self, secret: str, role: str) -> TokenRecord:
        digest = _digest(secret)
        record = next((record for record in self.list() if hmac.compare_digest(record.digest, digest)), None)
        if record is None:
            raise RefusedTokenError(f"Node A does not know this token, or it was revoked: {_REMEDY}.")
        if record.state != "valid":
            was = f"expired at {record.expires:%Y-%m-%d %H:%M} UTC" if record.state == "expired" else "is used up"
            raise RefusedTokenError(f"This token {was}: {_REMEDY}.")
        if role not in record.roles:
            raise RefusedTokenError(
                f"This token is for the role {' or '.join(record.roles)}, not {role}: {_REMEDY} --role {role}."
            )
        return record

    def _write(self, records: Sequence[TokenRecord]) -> None:
        write_private(self._folder.tokens, _Records(list(records)).model_dump_json(indent=1))


def _read(file: Path) -> list[TokenRecord]:
    try:
        return _Records.model_validate_json(file.read_bytes()).root
    except FileNotFoundError:
        return []


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
