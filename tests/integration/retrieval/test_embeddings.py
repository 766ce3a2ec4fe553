"""Embeddings by both kinds of servers, against a server on a real socket."""

from typing import Any

import numpy as np
import pytest

from activities.retrieval import hashed_vectors
from activities.retrieval.embeddings import embed_texts
from hydranet.errors import FatalError, TransientError, UsageError
from hydranet.settings import ModelSettings
from tests.integration.inference.test_clients import Reply, Server, json_reply, server

__all__ = ["server"]

TEXTS = ["def f(): pass", "class C: pass"]


def replies(form: str, *vectors: list[float]) -> Any:
    if form == "ollama":
        return {"model": "bge", "embeddings": list(vectors)}
    # A server may answer out of order.
    data = [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {"data": data[::-1]}


def model(form: str, known: Server) -> str:
    return "ollama:bge" if form == "ollama" else f"openai:{known.url}/v1#bge"


PATHS = {"ollama": "/api/embed", "openai": "/v1/embeddings"}


@pytest.mark.parametrize("form", PATHS)
async def test_every_text_has_a_row_of_length_one(server: Server, form: str) -> None:
    server.replies[PATHS[form]] = [json_reply(replies(form, [3.0, 4.0], [0.0, 2.0]))]
    rows = await embed_texts(TEXTS, model(form, server), ModelSettings(ollama_host=server.url))
    assert rows.dtype == np.float32
    assert np.allclose(rows, [[0.6, 0.8], [0.0, 1.0]])
    assert server.bodies(PATHS[form])[0]["input"] == TEXTS


@pytest.mark.parametrize("form", PATHS)
async def test_a_busy_server_is_transient_and_a_missing_model_is_not(server: Server, form: str) -> None:
    server.replies[PATHS[form]] = [Reply([b"{}"], 503, {"retry-after": "7"}), Reply([b"{}"], 404)]
    settings = ModelSettings(ollama_host=server.url)
    with pytest.raises(TransientError) as busy:
        await embed_texts(TEXTS, model(form, server), settings)
    assert busy.value.retry_after == 7
    with pytest.raises(FatalError):
        await embed_texts(TEXTS, model(form, server), settings)


@pytest.mark.parametrize("form", PATHS)
@pytest.mark.parametrize("vectors", [[[1.0, 2.0]], [[1.0, 2.0], [1.0]], [[1.0], [float("nan")]], [[], []]])
async def test_what_is_no_vectors_is_fatal(server: Server, form: str, vectors: list[list[float]]) -> None:
    server.replies[PATHS[form]] = [json_reply(replies(form, *vectors))]
    with pytest.raises((FatalError, TransientError), match=r"vector|not an answer"):
        await embed_texts(TEXTS, model(form, server), ModelSettings(ollama_host=server.url))


async def test_a_server_that_is_silent_is_transient(server: Server) -> None:
    server.replies["/api/embed"] = [Reply(ending="hang")]
    with pytest.raises(TransientError, match=r"took longer than 0\.2 seconds"):
        await embed_texts(TEXTS, "ollama:bge", ModelSettings(ollama_host=server.url, total=0.2))


async def test_without_a_model_vectors_are_lexical() -> None:
    assert np.array_equal(await embed_texts(TEXTS, "", ModelSettings()), hashed_vectors.count_features(TEXTS))


async def test_a_model_that_makes_no_embeddings_is_refused_with_the_forms_there_are() -> None:
    with pytest.raises(UsageError, match="write ollama:NAME or openai:"):
        await embed_texts(TEXTS, "templates", ModelSettings())
