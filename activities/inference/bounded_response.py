"""A server's response with a largest size: what it unpacks to, not what it weighs on the way, is counted."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from hydranet.errors import FatalError

# 37,000 tokens, the most that the settings allow, of the longest chunks that servers wrap a token in.
STREAM_BYTES = 32_000_000
# Sixteen vectors of the longest kind take 2 MB.
DOCUMENT_BYTES = 8_000_000
# A line is parsed as a whole, and small JSON can make large objects.
LINE_BYTES = 1_000_000

ACCEPT = {"accept-encoding": "gzip, deflate"}
"""What is unpacked here. Others, which httpx may know, would be unpacked without a limit."""

# Any escape of JSON, a pair of halves first, so that a backslash that is escaped itself begins none.
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

_CHUNK_BYTES = 65_536
_MAGIC_BYTES = 2
_STREAMS = ("/chat/completions", "/api/chat")


def bound_response(response: httpx.Response, address: str) -> None:
    """Have a response end with a FatalError that names `address` once it is longer than such responses are."""
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    encodings = response.headers.get("content-encoding", "identity")[:100].lower()
    if encodings not in ("identity", "gzip", "deflate"):
        raise FatalError(f"{address} packs its answers as '{encodings}', which was not asked for: turn that off.")
    # What httpx knows of the encoding decides how it unpacks.
    response.headers.pop("content-encoding", None)
    is_stream = response.request.url.path.endswith(_STREAMS)
    limit, line = (STREAM_BYTES, LINE_BYTES) if is_stream else (DOCUMENT_BYTES, DOCUMENT_BYTES)
    unpacker = None if encodings == "identity" else _Unpacker()
    response.stream = _BoundedStream(stream, unpacker, limit, line, address)


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(
        self, stream: httpx.AsyncByteStream, unpacker: _Unpacker | None, limit: int, line: int, address: str
    ) -> None:
        self._stream, self._unpacker, self._address = stream, unpacker, address
        self._room, self._line_limit = limit, line
        self._line: list[bytes] = []
        self._length = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # By lines, which are what a parser takes and what an escape never crosses.
        async for packed in self._stream:
            for chunk in self._unpacker.unpack(packed) if self._unpacker else (packed,):
                for line in self._split(chunk):
                    yield _replace_surrogates(line)
        yield _replace_surrogates(b"".join(self._line))

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _split(self, chunk: bytes) -> Iterator[bytes]:
        self._room -= len(chunk)
        for part in chunk.splitlines(keepends=True):
            self._line.append(part)
            self._length += len(part)
            if self._room < 0 or self._length > self._line_limit:
                raise FatalError(f"{self._address} sent an answer that is too long: check which server answers there.")
            if part.endswith(b"\n"):
                yield b"".join(self._line)
                self._line, self._length = [], 0


def _replace_surrogates(line: bytes) -> bytes:
    # Halves of characters as escapes, which parsers of JSON take for an error of the whole answer.
    if b"\\ud" not in line and b"\\uD" not in line:
        return line
    return _ESCAPES.sub(lambda escape: b"\\ufffd" if escape["half"] else escape[0], line)


class _Unpacker:
    """Gzip or zlib, or deflate without a header; whatever a chunk unpacks to, it comes in small pieces."""

    def __init__(self) -> None:
        self._start = b""
        self._decoder: Any = None

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        if self._decoder is None:
            packed = self._start = self._start + packed
            if len(packed) < _MAGIC_BYTES:
                return
            self._decoder = zlib.decompressobj(_find_wbits(packed))
        while packed and not self._decoder.eof:
            try:
                piece = self._decoder.decompress(packed, _CHUNK_BYTES)
            except zlib.error as error:
                raise httpx.DecodingError(str(error)) from None
            packed = self._decoder.unconsumed_tail
            yield piece


def _find_wbits(start: bytes) -> int:
    # Some servers mean deflate without the header of zlib by "deflate".
    has_header = start[:2] == b"\x1f\x8b" or (start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0)
    return zlib.MAX_WBITS | 32 if has_header else -zlib.MAX_WBITS
