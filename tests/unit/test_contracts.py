"""Every model that crosses a task queue is bounded: an oversized argument hangs a workflow silently."""

import types
import typing
from collections.abc import Iterator

import pytest
from annotated_types import MaxLen
from pydantic import StringConstraints
from pydantic.fields import FieldInfo

from hydranet import contracts  # noqa: F401 - defines the models
from hydranet.bounded_models import BoundedModel


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


def test_the_walk_finds_an_unbounded_field() -> None:
    class Loose(BoundedModel):
        text: str
        names: tuple[str, ...] = ()

    hints = typing.get_type_hints(Loose, include_extras=True)
    assert unbounded(hints["text"], [], "text") == ["text"]
    assert unbounded(hints["names"], [], "names") == ["names", "names[]"]
