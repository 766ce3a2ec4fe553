"""The content-addressed artifact store, in PostgreSQL or in a folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from pydantic import BaseModel

from hydranet.contracts import ArtifactRef

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

Model = TypeVar("Model", bound=BaseModel)


class ArtifactStore(Protocol):
    """Keeps blobs by the sha256 of their content; putting the same content twice is harmless."""

    async def put(self, data: bytes, media_type: str = "application/octet-stream") -> ArtifactRef:
        """Store `data` and return its address."""
        ...

    async def get(self, ref: ArtifactRef) -> bytes:
        """Return the content behind `ref`; LookupError when it is not in the store."""
        ...


async def put_text(store: ArtifactStore, text: str) -> ArtifactRef:
    """Store a text as UTF-8."""
    return await store.put(text.encode(), "text/plain")


async def get_text(store: ArtifactStore, ref: ArtifactRef) -> str:
    """Return the text stored behind `ref`."""
    return (await store.get(ref)).decode()


async def put_model(store: ArtifactStore, model: BaseModel) -> ArtifactRef:
    """Store a model as JSON."""
    return await store.put(model.model_dump_json().encode(), "application/json")


async def get_model(store: ArtifactStore, ref: ArtifactRef, kind: type[Model]) -> Model:
    """Return the model of type `kind` stored behind `ref`."""
    return kind.model_validate_json(await store.get(ref))


def hash_content(data: bytes, media_type: str) -> ArtifactRef:
    """Return the address of `data`."""
    return ArtifactRef(sha256=hashlib.sha256(data).hexdigest(), size=len(data), media_type=media_type)


class FolderArtifacts:
    """Artifacts as files `ab/cdef…` below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, data: bytes, media_type: str = "application/octet-stream") -> ArtifactRef:
        """Store `data` and return its address."""
        ref = hash_content(data, media_type)
        await asyncio.to_thread(self._write, self._path(ref), data)
        return ref

    async def get(self, ref: ArtifactRef) -> bytes:
        """Return the content behind `ref`; LookupError when it is not in the store."""
        try:
            return await asyncio.to_thread(self._path(ref).read_bytes)
        except FileNotFoundError:
            raise LookupError(f"artifact {ref.sha256} is not in the store") from None

    def _path(self, ref: ArtifactRef) -> Path:
        return self._folder / ref.sha256[:2] / ref.sha256[2:]

    def _write(self, path: Path, data: bytes) -> None:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as partial:
            partial.write(data)
        os.replace(partial.name, path)  # noqa: PTH105 - atomic


class PostgresArtifacts:
    """Artifacts as rows of the table `artifacts`, which is reached by functions: a node may not list it.

    Contents travel as bytes. As text PostgreSQL would send two characters for each.
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def put(self, data: bytes, media_type: str = "application/octet-stream") -> ArtifactRef:
        """Store `data` and return its address."""
        ref = hash_content(data, media_type)
        async with self._pool.connection() as connection:
            await connection.execute(
                "SELECT store_artifact(%b, %b, %b)", (bytes.fromhex(ref.sha256), media_type, data), binary=True
            )
        return ref

    async def get(self, ref: ArtifactRef) -> bytes:
        """Return the content behind `ref`; LookupError when it is not in the store."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT read_artifact(%b)", (bytes.fromhex(ref.sha256),), binary=True)
            row = await cursor.fetchone()
        if row is None or row[0] is None:
            raise LookupError(f"artifact {ref.sha256} is not in the store")
        return bytes(row[0])
