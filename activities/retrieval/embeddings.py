"""Vectors of nodes: by the configured embedding model or, without one, by their spelling."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from activities.heartbeat import report_progress
from activities.inference.backend import connect_embeddings
from activities.retrieval import hashed_vectors
from hydranet.contracts import EmbedResult
from hydranet.errors import FatalError, TransientError
from hydranet.settings import ModelSettings

if TYPE_CHECKING:
    from activities.retrieval.store import GraphStore

# Models read some 500 tokens, and a definition's head says most of what it is about.
LONGEST = 2000

# What is made and kept at once: whoever is killed loses no more. On one core, a server may need a minute for sixteen.
_LEXICAL_AT_ONCE = 2048
_EMBEDDED_AT_ONCE = 16
_SECONDS = 60.0


async def embed_texts(texts: Sequence[str], model: str, settings: ModelSettings) -> NDArray[np.float32]:
    """Return a row of float32 for each text: of length 1 by a model, `lexical.counts` without one.

    Raises the errors of a model client, and FatalError for an answer that is no vectors.
    """
    if not model:
        return await asyncio.to_thread(hashed_vectors.count_features, texts)
    client = connect_embeddings(model, settings)
    try:
        async with asyncio.timeout(settings.total):
            answer = await client.embed(texts)
    except TimeoutError:
        raise TransientError(f"The model {model} took longer than {settings.total:g} seconds.") from None
    sizes = {len(vector) for vector in answer}
    rows = np.array(answer if len(sizes) == 1 else [], np.float32)
    if len(rows) != len(texts) or not rows.size or not np.isfinite(rows).all():
        raise FatalError(f"The model {model} does not make a vector for each text: name an embedding model.")
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


class Vectors:
    """Makes the vectors that a tree in the store lacks."""

    def __init__(self, store: GraphStore, settings: ModelSettings) -> None:
        self._store = store
        self._settings = settings

    async def embed(self, tree: bytes, model: str) -> EmbedResult:
        """Make vectors for about a minute; how many were made, and how many are left: none of a tree that is gone."""
        if not await self._store.has_tree(tree):
            return EmbedResult(made=0, left=0)
        name, size = (model, _EMBEDDED_AT_ONCE) if model else (hashed_vectors.MODEL, _LEXICAL_AT_ONCE)
        missing = await self._store.without_vector(tree, name)
        done, until = 0, time.monotonic() + _SECONDS
        while done < len(missing) and time.monotonic() < until:
            texts = await self._store.texts(missing[done : done + size])
            rows = await embed_texts([text[:LONGEST] for text in texts.values()], model, self._settings)
            await self._store.add_vectors(name, dict(zip(texts, rows, strict=True)))
            done += len(texts)
            report_progress(done)
        return EmbedResult(made=done, left=len(missing) - done)
