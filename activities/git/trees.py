"""Trees and blobs of a commit: listed, read, committed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from activities.git.command import GitError, check_id, run_git
from activities.git.reader import LargeObjectError, MissingObjectError, ObjectReader
from hydranet.errors import FatalError
from hydranet.patches import is_git_name
from hydranet.text.source_encoding import decode_source

# A tree of a few hundred bytes can name a folder a hundred times, which names another a hundred times, and so on.
_MOST_FILES = 200_000
_MOST_BYTES = 4_000_000_000
_LONGEST_PATH = 4096

_FOLDER, _REGULAR, _LINK = 0o040000, 0o100000, 0o120000

REPOSITORY = 0o160000
"""The mode of another repository that lies in a tree: a submodule."""


class TooLargeError(FatalError):
    """A commit is more than HydraNet works on, alone or with its submodules."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file: its path, the id of its content, and its size in bytes."""

    path: str
    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class TreeItem:
    """What a tree names: its mode, the id of its content, and its name or path."""

    mode: int
    oid: str
    name: str

    @property
    def kind(self) -> int:
        """The mode without permissions."""
        return self.mode & 0o170000

    @property
    def is_regular(self) -> bool:
        """Whether this is a regular file."""
        return self.kind == _REGULAR

    @property
    def is_link(self) -> bool:
        """Whether this is a symbolic link, or another repository."""
        return self.kind in (_LINK, REPOSITORY)


@dataclass(frozen=True)
class CommitTree:
    """All that a commit's tree holds, without what other repositories in it hold."""

    commit: str
    tree: str
    folders: set[str] = field(default_factory=set)
    items: list[TreeItem] = field(default_factory=list)

    @cached_property
    def contents(self) -> list[str]:
        """The ids of the contents of files and links, each once."""
        return list(dict.fromkeys(item.oid for item in self.items if item.kind != REPOSITORY))

    @property
    def submodules(self) -> dict[str, str]:
        """The commits of other repositories, by the path at which each belongs."""
        return {item.name: item.oid for item in self.items if item.kind == REPOSITORY}

    @property
    def files(self) -> list[str]:
        """The paths of the regular files, sorted."""
        return sorted(item.name for item in self.items if item.is_regular)

    @property
    def objects(self) -> list[str]:
        """The ids of the commit, its trees and all contents."""
        return [self.commit, *sorted(self.folders), *self.contents]


@dataclass
class Extent:
    """How many files and bytes a commit and its submodules have together, as far as they have been counted."""

    files: int = 0
    size: int = 0

    def add(self, listing: CommitTree, sizes: Mapping[str, int]) -> None:
        """Count a tree; TooLargeError when that is more than HydraNet works on."""
        self.files += len(listing.items)
        self.size += sum(sizes[item.oid] for item in listing.items if item.oid in sizes)
        if self.files > _MOST_FILES:
            raise TooLargeError(_explain_many(listing.commit))
        if self.size > _MOST_BYTES:
            raise TooLargeError(
                f"The files of commit {listing.commit[:12]} have {self.size / 1e9:,.1f} GB, more than "
                f"{_MOST_BYTES / 1e9:.0f}: take large ones out of the repository."
            )


class TreeReader:
    """Reads the files of one commit; to be used as a context manager."""

    def __init__(self, repository: Path, commit: str) -> None:
        self._objects = ObjectReader(repository)
        self._commit = commit
        self._folders: dict[tuple[str, ...], dict[str, TreeItem]] = {}

    def __enter__(self) -> "TreeReader":
        self._objects.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._objects.__exit__(None, None, None)

    def find(self, path: str) -> TreeItem | None:
        """Return what the commit has at `path`, if anything."""
        *parents, name = PurePosixPath(path).parts
        return self._folder(tuple(parents)).get(name)

    def read(self, item: TreeItem) -> bytes:
        """Return the content of a file."""
        return self._objects.read(item.oid, "blob")

    def _folder(self, parts: tuple[str, ...]) -> dict[str, TreeItem]:
        if parts not in self._folders:
            oid = _tree_of(self._objects.read(self._commit, "commit")) if not parts else None
            if parts:
                item = self._folder(parts[:-1]).get(parts[-1])
                oid = item.oid if item is not None and item.kind == _FOLDER else None
            listed = _parse_tree(self._objects.read(oid, "tree"), len(oid)) if oid is not None else ()
            self._folders[parts] = {item.name: item for item in listed}
        return self._folders[parts]


def walk_tree(repository: Path, commit: str) -> CommitTree:
    """List all that `commit` holds; TooLargeError when that is more than HydraNet works on."""
    with ObjectReader(repository) as reader:
        listing = CommitTree(commit, _tree_of(reader.read(commit, "commit")))
        level = [("", listing.tree)]
        while level:
            below = []
            for (folder, _), tree in zip(level, reader.read_all((oid for _, oid in level), "tree"), strict=True):
                listing.folders.add(tree.oid)
                for item in _parse_tree(tree.content, len(tree.oid)):
                    path = folder + item.name
                    if len(path) > _LONGEST_PATH:
                        raise TooLargeError(
                            f"Commit {commit[:12]} has a path of more than {_LONGEST_PATH:,} characters."
                        )
                    if item.kind == _FOLDER:
                        below.append((f"{path}/", item.oid))
                    else:
                        listing.items.append(TreeItem(item.mode, item.oid, path))
                if len(listing.items) + len(below) > _MOST_FILES:
                    raise TooLargeError(_explain_many(commit))
            level = below
    return listing


def measure_contents(repository: Path, listing: CommitTree, extent: Extent | None = None) -> dict[str, int]:
    """Return the size of each content, and count them to what `extent` has; TooLargeError when that is too much.

    MissingObjectError when one is not there.
    """
    asked = "".join(f"{oid}\n" for oid in listing.contents).encode()
    rows = run_git(repository, "cat-file", "--batch-check", "--buffer", stdin=asked).decode().splitlines()
    sizes: dict[str, int] = {}
    for oid, row in zip(listing.contents, rows, strict=True):
        if not row.startswith(f"{oid} blob "):
            raise MissingObjectError(f"The object {oid} is not in the repository, or is no file's content.")
        sizes[oid] = int(row.rpartition(" ")[2])
    (extent or Extent()).add(listing, sizes)
    return sizes


def list_entries(repository: Path, commit: str) -> list[Entry]:
    """List the regular files of `commit`, by path; a name that is not UTF-8 has surrogates in it."""
    return sort_entries(repository, walk_tree(repository, resolve_revision(repository, commit)))


def sort_entries(repository: Path, listing: CommitTree) -> list[Entry]:
    """Return the regular files of a commit's tree, by path."""
    sizes = measure_contents(repository, listing)
    files = sorted((item.name, item.oid) for item in listing.items if item.is_regular)
    return [Entry(path, oid, sizes[oid]) for path, oid in files]


def resolve_revision(repository: Path, revision: str) -> str:
    """Return the id of the object that `revision` names, such as "HEAD^{tree}"; GitError when there is none."""
    named = run_git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", revision)
    return check_id(named.decode().strip())


def read_contents(repository: Path, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield each of `oids` with its content, in their order; GitError when one is not there."""
    with ObjectReader(repository) as reader:
        for blob in reader.read_all(oids, "blob"):
            yield blob.oid, blob.content


def read_content(repository: Path, commit: str, path: str) -> bytes | None:
    """Return the content of the regular file `path` at `commit`; None when there is none, or it is very large."""
    if not is_inside(path):
        return None
    with TreeReader(repository, commit) as reader:
        item = reader.find(path)
        if item is None or not item.is_regular:
            return None
        try:
            return reader.read(item)
        except LargeObjectError:
            return None


def read_blob(repository: Path, commit: str, path: str) -> str | None:
    """Return the text of the regular file `path` at `commit`; None when there is none, or none that can be read."""
    content = read_content(repository, commit, path)
    return None if content is None else decode_source(path, content)


def find_python_mentions(repository: Path, commit: str, word: str) -> list[str]:
    """Return the Python files of `commit` that hold `word`."""
    try:
        listing = run_git(repository, "grep", "-l", "-z", "-w", "-F", "-e", word, commit, "--", "*.py")
    except GitError:
        # There is none.
        return []
    names = listing.decode("utf-8", "surrogateescape").split("\0")
    return [name.removeprefix(f"{commit}:") for name in names if name]


def read_changed(repository: Path, before: str, after: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts of the regular files that `after` has otherwise than `before`, or not at all: old and new."""
    old = {(item.name, item.oid) for item in walk_tree(repository, before).items if item.is_regular}
    new = (item for item in walk_tree(repository, after).items if item.is_regular)
    changed = sorted(item.name for item in new if (item.name, item.oid) not in old)
    first, second = (
        {path: text for path in changed if (text := read_blob(repository, commit, path)) is not None}
        for commit in (before, after)
    )
    return first, second


def read_links(repository: Path, listing: CommitTree) -> dict[str, str]:
    """Return the targets of a commit's symbolic links, by path."""
    links = {item.name: item.oid for item in listing.items if item.kind == _LINK}
    contents = dict(read_contents(repository, links.values())) if links else {}
    return {path: contents[oid].decode("utf-8", "surrogateescape") for path, oid in links.items()}


def commit_tree(repository: Path, tree: str, parent: str, message: str) -> str:
    """Commit `tree` on top of `parent`, dated like the parent: the same arguments give the same sha."""
    with ObjectReader(repository) as reader:
        date = f"@{_date_of(reader.read(parent, 'commit'))} +0000"
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    commit = run_git(repository, "commit-tree", check_id(tree), "-p", parent, stdin=message.encode(), env=dates)
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
        and not any(map(is_git_name, parts))
    )


def _explain_many(commit: str) -> str:
    return (
        f"Commit {commit[:12]} has more than {_MOST_FILES:,} files: "
        "take what is generated, or not needed by the tests, out of the repository."
    )


def _tree_of(commit: bytes) -> str:
    name, _, tree = commit.partition(b"\n")[0].partition(b" ")
    if name != b"tree":
        raise GitError("A commit of the repository has no tree: run `git fsck`.")
    return check_id(tree.decode(errors="replace"))


def _date_of(commit: bytes) -> int:
    """Return the seconds of a commit's date, 0 where git would not take them."""
    for row in commit.partition(b"\n\n")[0].splitlines():
        if row.startswith(b"committer "):
            seconds = row.rpartition(b"> ")[2].split()[:1]
            return int(seconds[0]) if seconds and seconds[0].isdigit() and len(seconds[0]) <= 11 else 0
    return 0


def _parse_tree(content: bytes, digits: int) -> Iterator[TreeItem]:
    start, bytes_of_id = 0, digits // 2
    while start < len(content):
        end = content.find(b"\0", start)
        mode, _, name = content[start:end].partition(b" ")
        start = end + 1 + bytes_of_id
        if end < 0 or start > len(content) or not name or b"/" in name or name in (b".", b".."):
            raise GitError("A folder of the repository is damaged or forged: run `git fsck`.")
        try:
            number = int(mode, 8)
        except ValueError:
            raise GitError("A folder of the repository has no modes: run `git fsck`.") from None
        yield TreeItem(number, content[end + 1 : start].hex(), name.decode("utf-8", "surrogateescape"))
