"""The words for values that do not fit."""

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from hydranet.invalid_values import explain_field, explain_value


def _check(value: str) -> str:
    if value != "right":
        raise ValueError("write right")
    return value


class Inner(BaseModel):
    count: Annotated[int, Field(ge=1, le=9)] = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(max_length=5, pattern="^[a-z]+$")] = "a"
    kind: Literal["one", "two"] = "one"
    inner: Inner = Inner()
    items: Annotated[list[float], Field(max_length=2)] = []
    flag: bool = False
    word: Annotated[str, AfterValidator(_check)] = "right"
    either: int | list[int] = 1


@pytest.mark.parametrize(
    ("json", "sentence"),
    [
        ('{"name": 3}', "'name' must be a text"),
        ('{"name": "abcdef"}', "'name' may have 5 characters at most"),
        ('{"name": "A"}', "'name' has characters or a form that it may not have"),
        ('{"kind": "three"}', "'kind' must be 'one' or 'two'"),
        ('{"inner": {"count": 0}}', "'inner.count' must be at least 1"),
        ('{"inner": {"count": 10}}', "'inner.count' must be at most 9"),
        ('{"inner": {"count": 1.5}}', "'inner.count' must be a whole number"),
        ('{"inner": {"count": "many"}}', "'inner.count' must be a whole number"),
        ('{"inner": 3}', "'inner' must be an object"),
        ('{"items": [1, 2, 3]}', "'items' may have 2 entries at most"),
        ('{"items": ["x"]}', "'items.0' must be a number"),
        ('{"flag": "perhaps"}', "'flag' must be true or false"),
        ('{"word": "wrong"}', "'word' is refused: write right"),
        ('{"either": "x"}', "'either.int' must be a whole number"),
        ('{"other": 1}', "'other' is not known"),
        ("[]", "it must be an object"),
        ("{", "it is no JSON"),
    ],
)
def test_what_is_wrong_is_said_in_our_words(json: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Outer.model_validate_json(json)
    assert explain_field(raised.value) == sentence


def test_neither_the_value_nor_a_link_is_repeated() -> None:
    with pytest.raises(ValidationError) as raised:
        Inner.model_validate({"count": "s3cret"})
    assert "s3cret" not in explain_field(raised.value)
    assert "pydantic" not in explain_value(raised.value)
