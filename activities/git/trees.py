"""Trees and blobs of a commit: listed, read, committed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from activities.git.command import GitError, run_git


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file: its path, the id of its content, and its size in bytes."""

    path: str
    oid: str
    size: int


def list_entries(repository: Path, commit: str) -> list[Entry]:
    """List the regular files of `commit`, by path; a name that is not UTF-8 has surrogates in it."""
    listing = run_git(repository, "ls-tree", "-r", "-l", "-z", "--full-tree", commit)
    listed = (entry.split("\t", 1) for entry in listing.decode("utf-8", "surrogateescape").split("\0") if entry)
    rows = ((path, meta.split()) for meta, path in listed if meta.startswith("100"))
    return [Entry(path, oid, int(size)) for path, (_, _, oid, size) in sorted(rows)]


def resolve_revision(repository: Path, revision: str) -> str:
    """Return the id of the object that `revision` names, such as "HEAD^{tree}"; GitError when there is none."""
    return run_git(repository, "rev-parse", "--verify", "--quiet", revision).decode().strip()


def read_contents(repository: Path, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield each of `oids` with its content, in their order; GitError when one is not there."""
    wanted = "".join(f"{oid}\n" for oid in oids).encode()
    output = run_git(repository, "cat-file", "--batch", "--buffer", stdin=wanted)
    start = 0
    while start < len(output):
        end = output.index(b"\n", start)
        oid, kind, *size = output[start:end].decode().split()
        if kind != "blob":
            raise GitError(f"git cat-file failed: {oid} is {kind}, not a file's content")
        start = end + 1 + int(size[0]) + 1
        yield oid, output[end + 1 : start - 1]


def read_blob(repository: Path, commit: str, path: str) -> str | None:
    """Return the text of the regular file `path` at `commit`; None when there is none or it is not UTF-8."""
    if not is_inside(path):
        return None
    entry = run_git(repository, "ls-tree", "-z", commit, "--", path)
    if not entry.startswith(b"100"):
        return None
    blob = entry.split(b"\t", 1)[0].split()[2].decode()
    try:
        return run_git(repository, "cat-file", "blob", blob).decode()
    except UnicodeDecodeError:
        return None


def find_python_mentions(repository: Path, commit: str, word: str) -> list[str]:
    """Return the Python files of `commit` that hold `word`."""
    try:
        listing = run_git(repository, "grep", "-l", "-z", "-w", "-F", "-e", word, commit, "--", "*.py")
    except GitError:
        # There is none.
        return []
    names = listing.decode("utf-8", "surrogateescape").split("\0")
    return [name.removeprefix(f"{commit}:") for name in names if name]


def list_links(repository: Path, commit: str) -> dict[str, str]:
    """Return the targets of the symbolic links of `commit`, by path."""
    listing = run_git(repository, "ls-tree", "-r", "-z", commit).decode("utf-8", "surrogateescape")
    entries = (entry.split("\t", 1) for entry in listing.split("\0") if entry)
    links = {path: meta.split()[2] for meta, path in entries if meta.startswith("120")}
    contents = dict(read_contents(repository, links.values())) if links else {}
    return {path: contents[oid].decode("utf-8", "surrogateescape") for path, oid in links.items()}


def commit_tree(repository: Path, tree: str, parent: str, message: str) -> str:
    """Commit `tree` on top of `parent`, dated like the parent: the same arguments give the same sha."""
    date = run_git(repository, "log", "-1", "--format=%ct +0000", parent).decode().strip()
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    commit = run_git(repository, "commit-tree", tree, "-p", parent, stdin=message.encode(), env=dates)
    return commit.decode().strip()


def is_inside(path: str) -> bool:
    """Return whether `path` is a plain relative path below the repository and outside its .git."""
    parts = PurePosixPath(path).parts
    return (
        bool(parts)
        and not path.startswith("/")
        and "\0" not in path
        and "\\" not in path
        and ".." not in parts
        and all(part.lower() != ".git" for part in parts)
    )
