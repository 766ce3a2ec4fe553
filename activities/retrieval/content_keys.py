"""Addresses: the keys under which the code graph's store finds what was made of a content before."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from posixpath import splitext

import msgspec

from hydranet.code_graph.model import Edge

# What decides, beside a file's content, what is stored of it.
_CODE = (
    "code/language.py",
    "code/languages/sql.py",
    "code/test_files.py",
    "retrieval/languages",
    "retrieval/file_facts.py",
    "retrieval/tokens.py",
    "retrieval/file_filter.py",
    "retrieval/linking",
)
_SIZE = 16

# The contents of one large repository are asked for again and again while it is indexed.
_REMEMBERED = 1 << 15


@lru_cache(_REMEMBERED)
def blob_address(oid: str, path: str) -> bytes:
    """Return what is made of the content `oid` (git's id) by the language that takes the suffix of `path`."""
    return _digest(f"{oid}\0{splitext(path)[1]}".encode(), parser_version())


def links_address(edges: Iterable[Edge]) -> bytes:
    """Return the edges that leave one file, in their order."""
    return _digest(msgspec.msgpack.encode(list(edges)))


def tree_address(oid: str) -> bytes:
    """Return the graph of git's tree `oid`."""
    return _digest(oid.encode(), parser_version())


@cache
def parser_version() -> bytes:
    """Return a digest of the code that makes facts and edges, so that newer code starts afresh."""
    package = files("activities")
    return _digest(*(text for name in _CODE for text in _sources(package.joinpath(name))))


def _sources(code: Traversable) -> Iterable[bytes]:
    if code.is_file():
        yield code.read_bytes()
        return
    # A name that is missing must fail here: skipped, a renamed module would keep graphs that older code made.
    for part in sorted(code.iterdir(), key=lambda part: part.name):
        if part.name.endswith(".py"):
            yield part.read_bytes()


def _digest(*parts: bytes) -> bytes:
    digest = blake2b(digest_size=_SIZE)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()
