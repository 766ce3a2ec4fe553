"""Reading a SCIP index: where each symbol is defined, and which symbols stand at a place.

The fields' numbers are those of https://github.com/sourcegraph/scip/blob/main/scip.proto.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_DEFINITION = 1

Place = tuple[str, int, int]
"""A path, a line from 1, and a column from 0 in characters."""


@dataclass
class Index:
    """The symbols of a source tree, without those that are local to a document."""

    defined: dict[str, Place] = field(default_factory=dict)
    at: dict[Place, set[str]] = field(default_factory=dict)
    paths: set[str] = field(default_factory=set)


def read(path: Path) -> Index:
    """The index in a file."""
    index = Index()
    for number, document, _ in _fields(path.read_bytes()):
        if number == 2:
            _read_document(document, index)
    return index


def _read_document(document: bytes, index: Index) -> None:
    fields = list(_fields(document))
    path = next(content for number, content, _ in fields if number == 1).decode()
    index.paths.add(path)
    for number, occurrence, _ in fields:
        if number == 2:
            span, symbol, roles = b"", "", 0
            for inner, content, value in _fields(occurrence):
                if inner == 1:
                    span = content
                elif inner == 2:
                    # scip-python calls a module of `src` by two names, its own and that below the root.
                    symbol = content.decode().replace("`src.", "`").replace("`", "")
                elif inner == 3:
                    roles = value
            line, column = list(_integers(span))[:2]
            place = (path, line + 1, column)
            if symbol.startswith("local "):
                continue
            index.at.setdefault(place, set()).add(symbol)
            if roles & _DEFINITION:
                index.defined.setdefault(symbol, place)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield a Protocol Buffers message's fields: number, content and value; those of fixed size are left out."""
    position = 0
    while position < len(message):
        tag, position = _integer(message, position)
        kind = tag & 7
        if kind == 0:
            value, position = _integer(message, position)
            yield tag >> 3, b"", value
        elif kind == 2:
            size, position = _integer(message, position)
            yield tag >> 3, message[position : position + size], 0
            position += size
        else:
            position += 8 if kind == 1 else 4


def _integers(packed: bytes) -> Iterator[int]:
    position = 0
    while position < len(packed):
        value, position = _integer(packed, position)
        yield value


def _integer(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
