"""Reading git objects, each checked against its id."""

import hashlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from activities.git import command
from activities.git.command import GitError, check_id, end_git, start_git

# So many ids fit into a pipe, also those of SHA-256, so that git and its reader never wait for each other.
_ASKED_AT_ONCE = 500

LARGEST = 100_000_000
"""The largest object that is read, in bytes."""


class MissingObjectError(GitError):
    """An object is not there, or cannot be read."""


class LargeObjectError(GitError):
    """An object is larger than what is read."""


@dataclass(frozen=True, slots=True)
class GitObject:
    """An object whose content has the hash that its id says."""

    oid: str
    kind: str
    content: bytes


class ObjectReader:
    """A running `git cat-file` on a repository of ours; to be used as a context manager."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = start_git(self._repository, "cat-file", "--batch", stderr=self._errors)
        except BaseException:
            self._errors.close()
            raise
        self._closed = threading.Event()
        self._asked: float | None = None
        self._late = False
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        end_git(self._process)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        self._errors.close()

    def read(self, oid: str, kind: str) -> bytes:
        """Return the content of an object, which must be of a kind."""
        return next(self.read_all([oid], kind)).content

    def read_all(self, oids: Iterable[str], kind: str) -> Iterator[GitObject]:
        """Yield objects in the order of `oids`; MissingObjectError for one that is not there and of that kind."""
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        left = map(check_id, oids)
        while asked := list(islice(left, _ASKED_AT_ONCE)):
            try:
                requests.write("".join(f"{oid}\n" for oid in asked).encode())
                requests.flush()
            except BrokenPipeError:
                raise self._failure(asked[0]) from None
            for oid in asked:
                yield self._receive(answers, oid, kind)

    def _receive(self, answers: IO[bytes], oid: str, kind: str) -> GitObject:
        self._asked = time.monotonic()
        header = answers.readline().split()
        if len(header) == 2 and header[1] == b"missing":
            raise MissingObjectError(f"The object {oid} is not in the repository.")
        if len(header) != 3:
            raise self._failure(oid)
        actual, size = header[1].decode(), int(header[2])
        if actual != kind:
            raise GitError(f"The object {oid} is a {actual}, where a {kind} belongs.")
        if size > LARGEST:
            raise LargeObjectError(f"The object {oid} has {size / 1e6:,.0f} MB, more than is read.")
        content = answers.read(size + 1)
        self._asked = None
        if len(content) != size + 1:
            raise self._failure(oid)
        content = content[:-1]
        if hash_object(kind, content, len(oid)) != oid:
            raise GitError(f"The object {oid} is damaged or forged: its content has another hash. Run `git fsck`.")
        return GitObject(oid, kind, content)

    def _watch(self) -> None:
        """End git when it does not answer; how long the caller takes between two answers does not count."""
        while not self._closed.wait(1.0):
            asked = self._asked
            if asked is not None and time.monotonic() - asked > command.TIMEOUT_SECONDS:
                self._late = True
                end_git(self._process)
                return

    def _failure(self, oid: str) -> GitError:
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            return GitError(f"git cat-file failed: its answer for {oid} is not understood")
        self._errors.seek(0)
        printed = self._errors.read(400).decode(errors="replace").strip()
        ended = f"it took longer than {command.TIMEOUT_SECONDS:.0f} seconds" if self._late else ""
        return MissingObjectError(f"The object {oid} cannot be read: {printed or ended or 'git cat-file ended'}")


def hash_object(kind: str, content: bytes, digits: int) -> str:
    """Return the id of an object, in as many hexadecimal digits as SHA-1 or SHA-256 has."""
    algorithm = "sha1" if digits == 40 else "sha256"
    digest = hashlib.new(algorithm, f"{kind} {len(content)}\0".encode(), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()
