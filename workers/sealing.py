"""Sealed payloads: what passes through Temporal is encrypted, so that only who has the key reads it or is obeyed.

The cipher is AES-256-GCM. A key ring is a file of base64 keys, one a line: the first seals, all of them open. What goes
to an activity of another role, or comes from it, is sealed with a key that is derived for the role. A node of that role
alone has a file with such keys, `ROLE:KEY` a line, and opens nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
)

from activities.private_file import create_private, make_private_folder
from hydranet.errors import UsageError
from hydranet.names import ROLES_BY_QUEUE, find_shared_queue
from hydranet.settings import Settings
from workers.refused_payload import UNSEALED

ENCODING = b"binary/sealed"
_KEY_ID = "key"
# The cipher authenticates it too, so that what the key seals for another purpose is no payload.
_CONTEXT = b"hydranet payload 1"
_KEY_BYTES = 32
# Many times what Temporal takes; another node of the key's could send what is larger when it is opened.
_PAYLOAD_LIMIT = 64 << 20
_NONCE_BYTES = 12

ROLES = ("sandbox", "inference")
"""The roles with keys of their own; what is nobody's of these is sealed with the master key."""
MASTER = ""
"""In place of a role: the master key, which supervisors and commands have."""


class _Key(NamedTuple):
    identifier: bytes
    secret: bytes
    cipher: AESGCM


class KeyRing:
    """The keys of a key ring's file: master keys, of which those of the roles are derived, or keys of roles alone."""

    def __init__(
        self, file: Path, masters: Sequence[bytes], roles: Mapping[str, Sequence[bytes]] | None = None
    ) -> None:
        self.file = file
        given = roles or {}
        secrets_by_role = {
            role: [*(derive_role_key(master, role) for master in masters), *given.get(role, ())] for role in ROLES
        }
        self._keys = {
            role: [_name_key(secret) for secret in keys]
            for role, keys in {MASTER: masters, **secrets_by_role}.items()
            if keys
        }
        self._owners = {key.identifier: (role, key.cipher) for role, keys in self._keys.items() for key in keys}

    @property
    def is_master(self) -> bool:
        """Whether everything is opened: what is sealed for any role, and for none."""
        return MASTER in self._keys

    def seal(self, data: bytes, context: bytes = _CONTEXT, role: str = MASTER) -> tuple[bytes, bytes]:
        """Return the id of the newest key of a role, and what it makes of the data; UsageError where there is none."""
        key, nonce = self._choose(role), os.urandom(_NONCE_BYTES)
        return key.identifier, nonce + key.cipher.encrypt(nonce, data, context)

    def open(self, key: bytes, sealed: bytes, context: bytes = _CONTEXT, role: str | None = None) -> bytes | None:
        """Return the data, None where the key did not seal it; UsageError where the ring lacks the key.

        Where a role is named, its keys and the master keys count: what the key of another role sealed was not written
        by whom it should come from.
        """
        if (known := self._owners.get(key)) is None:
            lacking = f"This was sealed with the key {key.decode(errors='replace')}, which is not in {self.file}"
            raise UsageError(
                f"{lacking}: add the line of that key, from a copy of the file or from the node that has it."
                if self.is_master
                else f"{lacking}: this node has no key but that of {self._name_roles()}. "
                "Run the command where the stack was set up, or join the cluster again if the keys have changed."
            )
        owner, cipher = known
        if role is not None and owner not in (role, MASTER):
            return None
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            return None

    def digest(self, data: bytes, context: bytes, role: str = MASTER) -> str:
        """Return a digest under the newest key of a role, from which nobody without that key can guess the data."""
        return hmac.digest(hmac.digest(self._choose(role).secret, context, "sha256"), data, "sha256").hex()

    def knows(self, payload: Payload) -> bool:
        """Return whether a payload is sealed with one of the keys."""
        return payload.metadata.get("encoding") == ENCODING and payload.metadata.get(_KEY_ID) in self._owners

    def has(self, identifier: str) -> bool:
        """Return whether the key of that id is there."""
        return identifier.encode() in self._owners

    def identify(self, role: str) -> str:
        """Return the id of the newest key of a role, which tells keys apart and says nothing of them."""
        return self._choose(role).identifier.decode()

    def check_roles(self, roles: Iterable[str]) -> None:
        """Raise UsageError where a worker of these roles lacks its key."""
        for role in roles:
            self._choose(role if role in ROLES else MASTER)

    def export_role(self, role: str) -> str:
        """Return the key file of a node that has this role alone, newest key first.

        The files of several roles one below the other are the file of a node that has these.
        """
        if role not in ROLES:
            raise ValueError(f"no role with a key of its own: {role}")
        if not self.is_master:
            raise UsageError(
                f"{self.file} has no key that others are derived of: add nodes where the stack was set up."
            )
        return "".join(f"{role}:{base64.b64encode(key.secret).decode()}\n" for key in self._keys[role])

    def _choose(self, role: str) -> _Key:
        if keys := self._keys.get(role):
            return keys[0]
        purpose = f"the role '{role}'" if role else "supervisors and commands"
        remedy = ", or join the cluster with that role" if role else ""
        raise UsageError(
            f"{self.file} has no key of {purpose}, but that of {self._name_roles()}: "
            f"run this where the stack was set up{remedy}."
        )

    def _name_roles(self) -> str:
        return " and ".join(f"the role '{role}'" for role in self._keys if role)


def derive_role_key(master: bytes, role: str) -> bytes:
    """Return the key of a role, from which neither the master key nor that of another role can be told."""
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"hydranet role " + role.encode()).derive(master)


def find_role(queue: str) -> str:
    """Return the role whose key seals what an activity on a task queue gets and gives."""
    role = ROLES_BY_QUEUE.get(find_shared_queue(queue))
    return role if role in ROLES else MASTER


def _name_key(secret: bytes) -> _Key:
    return _Key(hashlib.sha256(secret).hexdigest()[:16].encode(), secret, AESGCM(secret))


class SealingCodec(PayloadCodec, WithSerializationContext):
    """The codec of a client or worker: seals what it sends, opens what it gets, and marks what it cannot open.

    The converter refuses what is marked. An error here instead would stop a workflow for good because of one signal.
    For the payloads of an activity it is that of the activity's role, for a workflow's that of the master keys. Without
    either, as for who reads a history, it opens all.
    """

    def __init__(self, keys: KeyRing, role: str | None = None) -> None:
        self._keys = keys
        self._role = role

    def with_context(self, context: SerializationContext) -> Self:
        """Return the codec for the payloads of an activity or of a workflow."""
        queue = context.activity_task_queue if isinstance(context, ActivitySerializationContext) else None
        return type(self)(self._keys, find_role(queue or ""))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal payloads."""
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open sealed payloads. Raises UsageError where the ring lacks a key and nobody else would say so."""
        return [self._open_or_mark(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        # Compressed first: what is sealed does not compress, and Temporal keeps it for weeks.
        key, data = self._keys.seal(zlib.compress(payload.SerializeToString(), level=1), role=self._role or MASTER)
        return Payload(metadata={"encoding": ENCODING, _KEY_ID: key}, data=data)

    def _open_or_mark(self, payload: Payload) -> Payload:
        try:
            return self._open(payload)
        except UsageError as error:
            if self._role is None:
                raise
            return Payload(metadata={"encoding": UNSEALED}, data=str(error).encode())

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") == ENCODING:
            data = self._keys.open(payload.metadata.get(_KEY_ID, b""), payload.data, role=self._role)
            if data is not None:
                with suppress(DecodeError, zlib.error):
                    return Payload.FromString(zlib.decompressobj().decompress(data, _PAYLOAD_LIMIT))
        return Payload(metadata={"encoding": UNSEALED})


def locate_key_file(settings: Settings) -> Path:
    """Return the path of the key ring."""
    return settings.seal_key_file or settings.data_dir / "keys" / "seal"


def load_keys(settings: Settings) -> KeyRing:
    """Return the key ring, a new one where there is no file yet; UsageError where the file cannot be used."""
    file = locate_key_file(settings)
    masters: list[bytes] = []
    roles: dict[str, list[bytes]] = {}
    try:
        text = _read(file) if file.exists() else _create(file)
        for line in text.split():
            role, separator, key = line.rpartition(":")
            (roles.setdefault(role, []) if separator else masters).append(base64.b64decode(key, validate=True))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The key file {file} cannot be read ({error}): correct its permissions.") from None
    except binascii.Error:
        masters, roles = [], {}
    keys = [*masters, *chain.from_iterable(roles.values())]
    if not keys or any(len(key) != _KEY_BYTES for key in keys) or not roles.keys() <= set(ROLES):
        raise UsageError(
            f"The key file {file} does not hold base64 keys of {_KEY_BYTES} bytes, one a line: put a copy of it there."
        )
    return KeyRing(file, masters, roles)


def _read(file: Path) -> str:
    with file.open() as opened:
        status = os.fstat(opened.fileno())
        if status.st_mode & 0o077 or status.st_uid not in (os.geteuid(), 0):
            raise UsageError(f"Others may read or change the key file {file}: make it yours alone (chmod 600 {file}).")
        return opened.read(1 << 16)


def _create(file: Path) -> str:
    make_private_folder(file.parent)
    text = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode() + "\n"
    create_private(file, text)
    # Another process may have been quicker, whose key then counts.
    return _read(file)
