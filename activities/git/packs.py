"""A repository on its way to another node: HEAD packed, the pack and later bundles unpacked."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from filelock import FileLock

from activities.git.command import GitError, check_id, run_git
from activities.git.layout import make_bare
from activities.git.reader import MissingObjectError
from activities.git.submodules import find_submodule
from activities.git.trees import CommitTree, Extent, TooLargeError, measure_contents, walk_tree
from activities.git.user_repository import UserRepository
from hydranet.bounded_models import PATH_CHARACTERS
from hydranet.contracts import SUBMODULES
from hydranet.errors import FatalError
from hydranet.text.escaping import clean_text

# Git's own check of objects, but for what old or careless programs have written into many histories.
_HARMLESS = (
    *("zeroPaddedFilemode", "nulInCommit", "badDate", "badDateOverflow", "badEmail", "badName", "badTimezone"),
    *("missingAuthor", "missingCommitter", "missingEmail", "missingNameBeforeEmail", "missingSpaceBeforeDate"),
    *("missingSpaceBeforeEmail", "multipleAuthors", "zeroPaddedDate"),
)
# What the user's own repository may declare, since it is never obeyed, and a patch may not. Git is told of these only
# after it has complained, because a version that does not know a name dies of it.
_DECLARED = re.compile(r"object ([0-9a-f]+): (gitmodules(?:Large|Name|Path|Update|Url)|gitattributesL\w+): ")
_VERSION = re.compile(
    r"(?<![0-9.])([0-9]{1,9}(?:\.[0-9]{1,9}){0,5}(?:[-_.]?(?:a|b|c|rc|alpha|beta|post|dev)[0-9]{0,9})?)$"
)
_DEINIT = "run `git submodule deinit` for submodules that the tests do not need"
_BUNDLES = (b"# v2 git bundle", b"# v3 git bundle")


class PackedCommit(NamedTuple):
    """A commit and a pack of it and its tree, without history, that has passed git's check.

    `path` is empty for HEAD, and says where a submodule lies.
    """

    commit: str
    data: bytes
    path: str = ""


def pack_head(path: Path, limit_mb: int) -> list[PackedCommit]:
    """Return the commit at HEAD, packed, and behind it the submodules that are checked out.

    Raises FatalError when the packs are larger than `limit_mb`, or the repository is gone. A submodule that is refused,
    or lacks an object, is left out.
    """
    repository = UserRepository.find(path)
    commit = repository.resolve_head()
    extent = Extent()
    try:
        listing, data = _pack(repository, commit, extent)
    except GitError as error:
        reason, at = str(error).rstrip("."), f"git -C {quote(str(repository.folder))}"
        if isinstance(error, MissingObjectError) and repository.is_partial:
            raise FatalError(
                f"{repository.folder} is a partial clone and lacks objects of HEAD ({reason}): "
                f"run `{at} archive --output=/dev/null HEAD`, which fetches them."
            ) from None
        raise FatalError(f"HEAD of {repository.folder} cannot be read ({reason}): see `{at} fsck`.") from None
    packed = [PackedCommit(commit, data)]
    _check_limits(packed, limit_mb)
    _check_pack(commit, data)
    for submodule in _pack_submodules(repository, listing, extent):
        packed.append(submodule)
        _check_limits(packed, limit_mb)
    return packed


def read_version(path: Path) -> str:
    """Return the version that the last tag before HEAD names, empty when there is none."""
    with UserRepository.find(path).open() as folder:
        try:
            described = run_git(folder, "describe", "--tags", "--abbrev=0", "--match=*[0-9]*", "HEAD")
        except GitError:
            return ""
    named = _VERSION.search(described.decode(errors="replace").strip())
    return named[1] if named else ""


def unpack(repository: Path, commit: str, pack: bytes) -> None:
    """Make the bare repository that holds `commit` and its tree, unless it is there."""
    repository.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{repository}.lock"):
        if (repository / "complete").exists():
            return
        shutil.rmtree(repository, ignore_errors=True)
        repository.mkdir()
        _fill(repository, commit, pack)
        run_git(repository, "update-ref", "refs/heads/base", commit)
        (repository / "complete").touch()


def unbundle(repository: Path, bundle: bytes, commit: str) -> None:
    """Bring the objects of a bundle into the repository, among them `commit`.

    GitError when git's check finds one that is dangerous, or they are not what their ids say.
    """
    header, _, pack = bundle.partition(b"\n\n")
    if header.partition(b"\n")[0] not in _BUNDLES:
        raise GitError("What should be a bundle of git objects is none.")
    _index(repository, pack, "--fix-thin")
    require_commit(repository, commit)


def require_commit(repository: Path, commit: str) -> None:
    """Raise GitError unless the repository has `commit`."""
    run_git(repository, "cat-file", "-e", f"{check_id(commit)}^{{commit}}")


def _pack_submodules(
    above: UserRepository, listing: CommitTree, extent: Extent, top: str = ""
) -> Iterator[PackedCommit]:
    """Yield the submodules that `listing` names, each with its own behind it."""
    for path, commit in listing.submodules.items():
        place = f"{top}{path}"
        submodule = find_submodule(above, path)
        if submodule is None or len(place) > PATH_CHARACTERS or clean_text(place) != place:
            continue
        try:
            inner, data = _pack(submodule, commit, extent)
            _check_pack(commit, data)
        except TooLargeError:
            raise TooLargeError(f"The repository has too many files or bytes with {place}: {_DEINIT}.") from None
        except FatalError:
            # As with one that is not there, the run goes on, and says that its content is missing.
            continue
        yield PackedCommit(commit, data, place)
        yield from _pack_submodules(submodule, inner, extent, f"{place}/")


def _check_limits(packed: Sequence[PackedCommit], limit_mb: int) -> None:
    size = sum(len(item.data) for item in packed)
    if size > limit_mb * 1_000_000:
        remedy = f"remove large files from HEAD, or {_DEINIT}," if len(packed) > 1 else "remove large files from HEAD"
        raise TooLargeError(
            f"The repository packs to {size / 1e6:.0f} MB, above the limit of {limit_mb} MB: "
            f"{remedy} or raise 'repository_limit_mb'."
        )
    if len(packed) > SUBMODULES + 1:
        raise TooLargeError(f"The repository has more than {SUBMODULES} submodules checked out: {_DEINIT}.")


def _check_pack(commit: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="hydra-git-") as scratch:
        _fill(Path(scratch), commit, data)


def _pack(repository: UserRepository, commit: str, extent: Extent) -> tuple[CommitTree, bytes]:
    with repository.open() as folder:
        listing = walk_tree(folder, commit)
        measure_contents(folder, listing, extent)
        names = "".join(f"{oid}\n" for oid in listing.objects).encode()
        # Deltas within one commit save a sixth of the size and take most of the time.
        options = ("--no-reuse-delta", "--window=0", "--threads=1")
        return listing, run_git(folder, "pack-objects", "--stdout", "--quiet", *options, stdin=names)


def _fill(repository: Path, commit: str, pack: bytes) -> None:
    make_bare(repository, "sha1" if len(check_id(commit)) == 40 else "sha256")
    # The history before the snapshot stays with the user: its commit has no parents here.
    (repository / "shallow").write_text(commit + "\n")
    _index(repository, pack)
    require_commit(repository, commit)


def _index(repository: Path, pack: bytes, *options: str) -> None:
    """Check a pack beside the repository's objects, and put it among them when it has passed."""
    ignored = [*_HARMLESS]
    while True:
        try:
            return _index_unless(repository, pack, ignored, *options)
        except GitError as error:
            declared = _DECLARED.search(str(error))
            if declared is None or declared[2] in ignored or (options and not _has(repository, declared[1])):
                raise GitError(f"Git's check of objects refused them (see `git fsck` there): {error}") from None
            ignored.append(declared[2])


def _index_unless(repository: Path, pack: bytes, ignored: Sequence[str], *options: str) -> None:
    objects = repository / "objects"
    strict = f"--strict={','.join(f'{name}=ignore' for name in ignored)}"
    with tempfile.TemporaryDirectory(prefix="tmp_objdir-incoming-", dir=objects) as folder:
        incoming = Path(folder)
        (incoming / "info").mkdir()
        (incoming / "info" / "alternates").write_text("..\n")
        apart = {"GIT_OBJECT_DIRECTORY": folder}
        run_git(repository, "index-pack", "--stdin", strict, *options, stdin=pack, env=apart)
        (objects / "pack").mkdir(exist_ok=True)
        # The index comes last, because it is what makes a pack one.
        for file in sorted((incoming / "pack").iterdir(), key=lambda path: path.suffix == ".idx"):
            file.rename(objects / "pack" / file.name)


def _has(repository: Path, oid: str) -> bool:
    try:
        run_git(repository, "cat-file", "-e", check_id(oid))
    except GitError:
        return False
    return True
