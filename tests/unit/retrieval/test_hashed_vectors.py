"""Lexical vectors: near are texts that are spelled alike, and rare spellings weigh more."""

import numpy as np

from activities.retrieval import hashed_vectors

TEXTS = [
    "def serialize_order(order): return order.total",
    "class OrderSerializer: pass",
    "def connect(host, port): return socket(host, port)",
    "",
]


def near(query: str) -> list[float]:
    rows = hashed_vectors.count_features(TEXTS)
    rarity = hashed_vectors.measure_rarity(rows)
    asked = hashed_vectors.weigh_vectors(hashed_vectors.count_features([query]), rarity)[0]
    return [float(one) for one in hashed_vectors.weigh_vectors(rows, rarity) @ asked]


def test_vectors_have_length_one_or_zero() -> None:
    rows = hashed_vectors.count_features(TEXTS)
    lengths = np.linalg.norm(hashed_vectors.weigh_vectors(rows, hashed_vectors.measure_rarity(rows)), axis=1)
    assert rows.shape == (4, hashed_vectors.DIMENSIONS)
    assert rows.dtype == np.float32
    assert np.allclose(lengths, [1, 1, 1, 0], atol=1e-6)


def test_a_text_is_nearest_to_itself() -> None:
    for number, text in enumerate(TEXTS[:3]):
        assert int(np.argmax(near(text))) == number


def test_what_is_spelled_alike_is_near() -> None:
    serializer, connect = near("serializing orders")[1], near("serializing orders")[2]
    assert serializer > connect + 0.2


def test_the_same_text_has_the_same_vector_in_whatever_company() -> None:
    assert np.array_equal(hashed_vectors.count_features(TEXTS)[2], hashed_vectors.count_features([TEXTS[2]])[0])


def test_a_dimension_that_all_texts_use_weighs_less() -> None:
    rows = np.zeros((3, hashed_vectors.DIMENSIONS), np.float32)
    rows[:, 0] = 1
    rows[0, 1] = 1
    rarity = hashed_vectors.measure_rarity(rows)
    assert rarity[0] < rarity[1] < rarity[2]
