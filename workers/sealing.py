"""Sealed payloads: what passes through Temporal is encrypted, so that only who has the key reads it or is obeyed.

The cipher is AES-256-GCM. A key ring is a file of base64 keys, one a line: the first seals, all of them open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from hydranet.errors import UsageError
from hydranet.settings import Settings

ENCODING = b"binary/sealed"
UNSEALED = b"binary/unsealed"
_KEY_ID = "key"
# The cipher authenticates it too, so that what the key seals for another purpose is no payload.
_CONTEXT = b"hydranet payload 1"
_KEY_BYTES = 32
# Many times what Temporal takes; another node of the key's could send what is larger when it is opened.
_PAYLOAD_LIMIT = 64 << 20
_NONCE_BYTES = 12


class _Key(NamedTuple):
    identifier: bytes
    cipher: AESGCM


class KeyRing:
    """The keys of a key ring's file, of which there is at least one."""

    def __init__(self, file: Path, keys: Sequence[bytes]) -> None:
        self.file = file
        named = [_Key(hashlib.sha256(key).hexdigest()[:16].encode(), AESGCM(key)) for key in keys]
        self._newest = named[0]
        self._newest_key = keys[0]
        self._ciphers = dict(named)

    def seal(self, data: bytes, context: bytes = _CONTEXT) -> tuple[bytes, bytes]:
        """Return the id of the newest key, and what it makes of the data."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._newest.identifier, nonce + self._newest.cipher.encrypt(nonce, data, context)

    def open(self, key: bytes, sealed: bytes, context: bytes = _CONTEXT) -> bytes | None:
        """Return the data, None where the key did not seal it; UsageError where the ring lacks the key."""
        if (cipher := self._ciphers.get(key)) is None:
            raise UsageError(
                f"This was sealed with the key {key.decode(errors='replace')}, which is not in {self.file}: "
                "add the line of that key, from a copy of the file or from the node that has it."
            )
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            return None

    def digest(self, data: bytes, context: bytes) -> str:
        """Return a digest under the newest key, from which nobody without the key can guess the data."""
        return hmac.digest(hmac.digest(self._newest_key, context, "sha256"), data, "sha256").hex()

    def knows(self, payload: Payload) -> bool:
        """Return whether a payload is sealed with one of the keys."""
        return payload.metadata.get("encoding") == ENCODING and payload.metadata.get(_KEY_ID) in self._ciphers


class SealingCodec(PayloadCodec):
    """The codec of a client or worker: seals what it sends, opens what it gets, and marks what is not sealed.

    The converter refuses what is marked. An error here instead would stop a workflow for good because of one signal.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal payloads."""
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open sealed payloads. Raises UsageError where the ring lacks a key."""
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        # Compressed first: what is sealed does not compress, and Temporal keeps it for weeks.
        key, data = self._keys.seal(zlib.compress(payload.SerializeToString(), level=1))
        return Payload(metadata={"encoding": ENCODING, _KEY_ID: key}, data=data)

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") == ENCODING:
            data = self._keys.open(payload.metadata.get(_KEY_ID, b""), payload.data)
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
    try:
        text = _read(file) if file.exists() else _create(file)
        keys = [base64.b64decode(line, validate=True) for line in text.split()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The key file {file} cannot be read ({error}): correct its permissions.") from None
    except binascii.Error:
        keys = []
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise UsageError(
            f"The key file {file} does not hold base64 keys of {_KEY_BYTES} bytes, one a line: put a copy of it there."
        )
    return KeyRing(file, keys)


def _read(file: Path) -> str:
    with file.open() as opened:
        status = os.fstat(opened.fileno())
        if status.st_mode & 0o077 or status.st_uid not in (os.geteuid(), 0):
            raise UsageError(f"Others may read or change the key file {file}: make it yours alone (chmod 600 {file}).")
        return opened.read(1 << 16)


def _create(file: Path) -> str:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode() + "\n"
    partial = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    partial.touch(0o600)
    partial.write_text(text)
    try:
        # A link fails where another process was quicker, whose key then counts.
        os.link(partial, file)
    except FileExistsError:
        return _read(file)
    finally:
        partial.unlink()
    return text
