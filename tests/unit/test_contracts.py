"""Every model that crosses a task queue is bounded: an oversized argument hangs a workflow silently."""

import types
import typing
from collections.abc import Iterator

import pytest
from annotated_types import MaxLen
from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from hydranet import contracts  # noqa: F401 - defines the models
from hydranet.bounded_models import BoundedModel
from hydranet.genealogy import Genealogy


def below(model: type[BoundedModel]) -> Iterator[type[BoundedModel]]:
    for child in model.__subclasses__():
        yield child
        yield from below(child)


MODELS = sorted(below(BoundedModel), key=lambda model: model.__name__)


def unbounded(annotation: object, metadata: list[object], path: str) -> list[str]:
    """The parts of a type that have no largest size."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        inner, *extra = typing.get_args(annotation)
        return unbounded(inner, [*metadata, *extra], path)
    if origin in (typing.Union, types.UnionType):
        return [p for part in typing.get_args(annotation) for p in unbounded(part, metadata, path)]
    has_limit = any(
        isinstance(m, MaxLen)
        or (isinstance(m, StringConstraints) and (m.max_length or m.pattern))
        or (isinstance(m, FieldInfo) and any(isinstance(inner, MaxLen) for inner in m.metadata))
        for m in metadata
    )
    if annotation is str:
        return [] if has_limit else [path]
    if origin in (tuple, list, dict, set, frozenset):
        arguments = typing.get_args(annotation)
        inner = [p for a in arguments if a is not Ellipsis for p in unbounded(a, [], f"{path}[]")]
        fixed = origin is tuple and Ellipsis not in arguments
        return inner if has_limit or fixed else [path, *inner]
    return []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_string_and_collection_has_a_largest_size(model: type[BoundedModel]) -> None:
    hints = typing.get_type_hints(model, include_extras=True)
    found = [p for name in model.model_fields for p in unbounded(hints[name], [], f"{model.__name__}.{name}")]
    assert found == []


def strings(annotation: object, metadata: list[object], path: str) -> list[str]:
    """The strings of a type that take a NUL or a lone surrogate as it is."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        inner, *extra = typing.get_args(annotation)
        return strings(inner, [*metadata, *extra], path)
    if annotation is str:
        if any(isinstance(m, StringConstraints) and m.pattern for m in metadata):
            return []  # An identifier, whose pattern has no place for either.
        adapter = TypeAdapter(typing.Annotated[(str, *metadata, None)])
        try:
            return [path] if "\0" in adapter.validate_python("a\0\ud800") else []
        except ValidationError:
            # Where it takes the rest, it has refused the NUL.
            return [] if adapter.validate_python("a") == "a" else [path]
    parts = [part for part in typing.get_args(annotation) if part is not Ellipsis]
    return [name for part in parts for name in strings(part, [], path)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_string_is_free_of_what_a_database_refuses(model: type[BoundedModel]) -> None:
    hints = typing.get_type_hints(model, include_extras=True)
    assert [p for name in model.model_fields for p in strings(hints[name], [], f"{model.__name__}.{name}")] == []


@pytest.mark.parametrize("hostile", ["a\0b", "\0" * 400, "\ud800 \udfff", "\udc9b[2J", "\0\ud83d\ude00"])
def test_what_enters_a_contract_can_be_sent_and_stored(hostile: str) -> None:
    record = Genealogy(run_id="r", repository_name="n", title=hostile, reason=hostile, flaky=(hostile[:150],))
    text = record.model_dump_json()
    assert "\\u0000" not in text
    assert Genealogy.model_validate_json(text) == record


def test_the_walk_finds_an_unbounded_field() -> None:
    class Loose(BoundedModel):
        text: str
        names: tuple[str, ...] = ()

    hints = typing.get_type_hints(Loose, include_extras=True)
    assert unbounded(hints["text"], [], "text") == ["text"]
    assert strings(hints["names"], [], "names") == ["names"]
    assert unbounded(hints["names"], [], "names") == ["names", "names[]"]
