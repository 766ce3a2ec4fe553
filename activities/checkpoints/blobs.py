"""Many files of a commit at once: their list, and their contents by git's object ids."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from activities.checkpoints.objects import GitError, git


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file: its path, the id of its content, and its size in bytes."""

    path: str
    oid: str
    size: int


def entries(repository: Path, commit: str) -> list[Entry]:
    """The regular files of `commit`, by path; a name that is not UTF-8 has surrogates in it."""
    listing = git(repository, "ls-tree", "-r", "-l", "-z", "--full-tree", commit)
    found = (entry.split("\t", 1) for entry in listing.decode("utf-8", "surrogateescape").split("\0") if entry)
    rows = ((path, meta.split()) for meta, path in found if meta.startswith("100"))
    return [Entry(path, oid, int(size)) for path, (_, _, oid, size) in sorted(rows)]


def resolve(repository: Path, revision: str) -> str:
    """The id of the object that `revision` names, such as "HEAD^{tree}"; GitError when there is none."""
    return git(repository, "rev-parse", "--verify", "--quiet", revision).decode().strip()


def contents(repository: Path, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Each of `oids` with its content, in their order; GitError when one is not there."""
    wanted = "".join(f"{oid}\n" for oid in oids).encode()
    output = git(repository, "cat-file", "--batch", "--buffer", stdin=wanted)
    start = 0
    while start < len(output):
        end = output.index(b"\n", start)
        oid, kind, *size = output[start:end].decode().split()
        if kind != "blob":
            raise GitError(f"git cat-file failed: {oid} is {kind}, not a file's content")
        start = end + 1 + int(size[0]) + 1
        yield oid, output[end + 1 : start - 1]
