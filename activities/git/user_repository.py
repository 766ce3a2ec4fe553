"""A repository of the user's, opened through a git folder of our own: nothing that it declares is obeyed."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shlex import quote

from activities.git.command import SETTINGS_KEPT, GitError, check_id, read_git_settings, run_git
from activities.git.layout import common_folder, make_bare, read_pointer, read_regular
from hydranet.errors import FatalError

_CONFIG_BYTES = 1_000_000
_HEAD_BYTES = 4096
_ALTERNATES_BYTES = 65_536
_ALTERNATES_DEPTH = 5
_HEAD = re.compile(r"ref: (refs/[^\0\n\r ]+)|[0-9a-f]{40}|[0-9a-f]{64}")
# What a repository may say of its format; none of it changes how it is read here.
_EXTENSIONS = {"noop", "noop-v1", "objectformat", "partialclone", "preciousobjects", "relativeworktrees"}
_EXTENSIONS |= {"refstorage", "worktreeconfig"}


@dataclass(frozen=True)
class UserRepository:
    """A repository that nobody vouches for: its folder, the git folder of that, and the one with its objects."""

    folder: Path
    git: Path
    common: Path
    is_bare: bool = False

    @classmethod
    def find(cls, path: Path) -> UserRepository:
        """Return the repository that `path` lies in; FatalError when there is none, or one that is refused."""
        try:
            if not path.is_dir():
                raise FatalError(f"The repository {path} is no longer there: put it back and run the command again.")
            path = path.resolve()
            folders = (path, *path.parents)
            repository = next(filter(None, map(_look_at, folders)), None)
            if repository is None:
                raise FatalError(_explain_none(path, folders))
            repository._check()
            return repository
        except OSError as error:
            named = error.filename or path
            raise FatalError(f"{named} cannot be read ({error.strerror}): make it readable for you.") from None

    @contextmanager
    def open(self, *, write: bool = False) -> Iterator[Path]:
        """Give a git folder of our own with the repository's HEAD, references and objects, for the block.

        With `write`, objects and references that are made in it are the repository's.
        """
        self._check_alternates(self.common / "objects")
        with tempfile.TemporaryDirectory(prefix="hydra-git-") as scratch:
            folder = Path(scratch)
            make_bare(folder, self.object_format, self._settings, self._head)
            (folder / "refs").rmdir()
            (folder / "refs").symlink_to(self.common / "refs")
            for name in ("packed-refs", "shallow"):
                _link(folder / name, self.common / name)
            for name in ("attributes", "sparse-checkout"):
                _link(folder / "info" / name, (self.common if name == "attributes" else self.git) / "info" / name)
            for shared in self.git.glob("sharedindex.*"):
                _link(folder / shared.name, shared)
            if write:
                self._link_for_writing(folder)
            else:
                (folder / "objects" / "info" / "alternates").write_bytes(_quote(self.common / "objects") + b"\n")
            yield folder

    @property
    def branch(self) -> str:
        """The branch that is checked out; empty when none is."""
        reference = self._head.removeprefix("ref: ")
        name = reference.removeprefix("refs/heads/") if reference.startswith("refs/heads/") else ""
        return name.encode("utf-8", "surrogateescape").decode(errors="replace")

    @property
    def object_format(self) -> str:
        """The hash that names the objects."""
        return self._last("extensions.objectformat", "sha1").lower()

    @property
    def is_partial(self) -> bool:
        """Whether git fetches objects only when they are asked for."""
        promised = re.compile(r"extensions\.partialclone|remote\..*\.promisor")
        return any(map(promised.fullmatch, self._declared))

    @property
    def remotes(self) -> dict[str, str]:
        """The remotes by name, each with the address that is pushed to."""
        remotes: dict[str, str] = {}
        for kind in ("url", "pushurl"):
            named = ((re.fullmatch(rf"remote\.(.+)\.{kind}", key), values) for key, values in self._declared.items())
            remotes |= {match[1]: values[0] for match, values in named if match}
        return remotes

    @property
    def default_remote(self) -> str:
        """The remote that is pushed to, empty where several are declared and none of them is the one."""
        names = [self._last("remote.pushdefault"), "origin", *(self.remotes if len(self.remotes) == 1 else ())]
        return next((name for name in names if name in self.remotes), "")

    @property
    def work_tree(self) -> dict[str, str]:
        """The environment in which git sees the files and the index."""
        return {"GIT_WORK_TREE": str(self.folder), "GIT_INDEX_FILE": str(self.git / "index")}

    def resolve_head(self) -> str:
        """Return the id of the commit at HEAD; FatalError with git's reason when there is none."""
        with self.open() as folder:
            try:
                return check_id(run_git(folder, "log", "-1", "--no-mailmap", "--format=%H").decode().strip())
            except GitError as error:
                reason = error.reason.replace(str(folder), str(self.common))
                if "does not have any commits" in reason:
                    remedy = "commit the code that is to be fixed, or check out a branch that has it"
                    raise FatalError(f"{self.folder} has no commit at HEAD ({reason}): {remedy}.") from None
                at = f"git -C {quote(str(self.folder))}"
                raise FatalError(f"HEAD of {self.folder} cannot be read ({reason}): see `{at} fsck`.") from None

    def is_dirty(self) -> bool:
        """Return whether files that git knows differ from HEAD; filters that would change them are not run."""
        command = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all", "--no-renames")
        index = self.git / "index"
        if index.is_symlink() or not index.is_file():
            return False
        with self.open() as folder:
            try:
                return bool(run_git(folder, *command, env=self.work_tree))
            except GitError:
                return False

    def check_writable(self, references: Sequence[str]) -> None:
        """Raise FatalError when writing any of `references`, objects or the index would lead out of the repository."""
        logs = (self.common / "logs" / reference for reference in references)
        written = [self.common / reference for reference in references]
        written += [*logs, self.common / "logs" / "refs", self.git / "logs" / "HEAD", self.git / "index"]
        for path in (*written, *(self.common / "objects").iterdir()):
            base = self.git if path.is_relative_to(self.git) else self.common
            parts = path.relative_to(base).parts
            for depth in range(1, len(parts) + 1):
                if (link := base.joinpath(*parts[:depth])).is_symlink():
                    raise FatalError(f"{link} is a link, and nothing is written through it: put there what it names.")

    @cached_property
    def _head(self) -> str:
        head = read_regular(self.git / "HEAD", _HEAD_BYTES).decode("utf-8", "surrogateescape").strip()
        head = re.sub(r"^ref:\s*", "ref: ", head)
        if not _HEAD.fullmatch(head) or ".." in head:
            raise FatalError(
                f"{self.git / 'HEAD'} names no branch and no commit: write a branch's name into it, such as "
                "`ref: refs/heads/main`, or take a clone."
            )
        return head

    @cached_property
    def _declared(self) -> dict[str, list[str]]:
        read_regular(self.common / "config", _CONFIG_BYTES)
        declared = read_git_settings(self.common / "config")
        own = self.git / "config.worktree"
        if "extensions.worktreeconfig" in declared and os.path.lexists(own):
            read_regular(own, _CONFIG_BYTES)
            declared |= read_git_settings(own)
        return declared

    def _last(self, key: str, default: str = "") -> str:
        return self._declared.get(key, [default])[-1]

    @cached_property
    def _settings(self) -> str:
        """How files are written, as the user's own settings and then the repository's say."""
        chosen = {"logallrefupdates": "false" if self.is_bare else "true"}
        for source in (read_git_settings(), self._declared):
            chosen |= {name: source[f"core.{name}"][-1] for name in SETTINGS_KEPT if f"core.{name}" in source}
        return "".join(f"\t{name} = {value}\n" for name, value in chosen.items() if re.fullmatch(r"\w+", value))

    def _check(self) -> None:
        for name in ("objects", "refs", "packed-refs", "config"):
            path = self.common / name
            if path.is_symlink():
                raise FatalError(f"{path} is a link, which HydraNet does not follow: take a clone of {self.folder}.")
        owners = {os.geteuid()}
        if os.geteuid() == 0 and os.environ.get("SUDO_UID", "").isdigit():
            owners.add(int(os.environ["SUDO_UID"]))
        if any(path.stat().st_uid not in owners for path in (self.folder, self.git, self.common)):
            _require_trust(self.folder)
        version = self._last("core.repositoryformatversion", "0")
        unknown = [key for key in self._declared if key.startswith("extensions.") and key[11:] not in _EXTENSIONS]
        if version == "0":
            unknown = []  # Git obeys no extension there.
        elif version != "1":
            unknown = [f"core.repositoryFormatVersion = {version}"]
        if unknown or self.object_format not in ("sha1", "sha256"):
            unread = ", ".join(unknown) or f"objects named by {self.object_format}"
            raise FatalError(f"{self.folder} has a format that HydraNet does not read ({unread}): take a clone of it.")
        if self._last("extensions.refstorage", "files").lower() != "files":
            raise FatalError(
                f"{self.folder} keeps its references as reftable, which HydraNet does not read: "
                f"run `git -C {quote(str(self.folder))} refs migrate --ref-format=files`."
            )
        self._check_work_tree()

    def _check_work_tree(self) -> None:
        """A repository's files are those beside its .git, and a .git file leads only to what leads back."""
        named = self._last("core.worktree") if self.git == self.common else ""
        if named and (self.git / named).resolve() != self.folder:
            raise FatalError(
                f"The repository in {self.folder} has its files elsewhere (core.worktree = {named}): "
                f"run `git --git-dir={quote(str(self.git))} config --unset-all core.worktree`, or take a clone."
            )
        pointer = self.folder / ".git"
        if self.is_bare or pointer.is_dir() or named:
            return
        if self.git != self.common:
            back = self.git / "gitdir"
            if back.exists() and read_pointer(back) == pointer and self.git.parent == self.common / "worktrees":
                return
            repair = f"git -C {quote(str(self.common))} worktree repair {quote(str(self.folder))}"
        else:
            repair = f"git --git-dir={quote(str(self.git))} config core.worktree {quote(str(self.folder))}"
        raise FatalError(
            f"{pointer} leads to {self.git}, which does not lead back: run `{repair}` if that repository is meant."
        )

    def _check_alternates(self, objects: Path, depth: int = 0) -> None:
        """What lies in another user's folder could be changed under our eyes, or never end."""
        file = objects / "info" / "alternates"
        if not os.path.lexists(file):
            return
        for line in read_regular(file, _ALTERNATES_BYTES).decode("utf-8", "surrogateescape").split("\n"):
            if not line or line.startswith("#"):
                continue
            borrowed = (objects / line).resolve()
            if line.startswith('"') or depth == _ALTERNATES_DEPTH:
                raise FatalError(f"{file} names {line}, which HydraNet does not follow: {self._unborrow}")
            if not borrowed.is_dir():
                continue
            if borrowed.stat().st_uid not in (0, os.geteuid(), self.common.stat().st_uid):
                raise FatalError(f"{file} borrows objects of {borrowed}, another user's folder: {self._unborrow}")
            self._check_alternates(borrowed, depth + 1)

    @property
    def _unborrow(self) -> str:
        return f"run `git -C {quote(str(self.folder))} repack -a -d` and remove that file."

    def _link_for_writing(self, folder: Path) -> None:
        for name in ("objects/info", "objects/pack", "objects"):
            (folder / name).rmdir()
        (folder / "objects").symlink_to(self.common / "objects")
        if self.is_bare:
            return
        (folder / "logs").mkdir()
        for target in (self.common / "logs" / "refs", self.git / "logs"):
            target.mkdir(parents=True, exist_ok=True)
        (folder / "logs" / "refs").symlink_to(self.common / "logs" / "refs")
        (folder / "logs" / "HEAD").symlink_to(self.git / "logs" / "HEAD")


def _look_at(folder: Path) -> UserRepository | None:
    pointer = folder / ".git"
    if pointer.is_symlink():
        raise FatalError(f"{pointer} is a link, which HydraNet does not follow: take a clone of {folder}.")
    if pointer.is_file():
        git = read_pointer(pointer, "gitdir: ")
        if not git.is_dir():
            raise FatalError(f"{pointer} leads to {git}, which is not there: run `git worktree repair`, or correct it.")
        return UserRepository(folder, git, common_folder(git))
    if _is_git_folder(pointer):
        return UserRepository(folder, pointer, pointer)
    return UserRepository(folder, folder, folder, is_bare=True) if _is_git_folder(folder) else None


def _explain_none(path: Path, folders: Sequence[Path]) -> str:
    for git in (folder / ".git" for folder in folders):
        if git.is_dir() and any(git.iterdir()):
            missing = next(name for name in ("HEAD", "objects", "refs") if not os.path.lexists(git / name))
            return (
                f"{git} is no longer a whole Git repository, since it has no {missing}: put it back, or take a clone."
            )
    return f"{path} is not in a Git repository: run `git init` and commit, or correct --repo."


def _is_git_folder(folder: Path) -> bool:
    return os.path.lexists(folder / "HEAD") and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def _require_trust(folder: Path) -> None:
    trusted = read_git_settings().get("safe.directory", [])
    # As for git itself, an empty value takes back those before it.
    if "" in trusted:
        trusted = trusted[len(trusted) - trusted[::-1].index("") :]
    for name in map(os.path.expanduser, trusted):
        if name in ("*", str(folder)) or (name.endswith("/*") and str(folder).startswith(name[:-1])):
            return
    raise FatalError(
        f"{folder} belongs to another user, who could change it while the fix is written: if you trust them, "
        f"run `git config --global --add safe.directory {quote(str(folder))}`."
    )


def _link(link: Path, target: Path) -> None:
    try:
        regular = stat.S_ISREG(target.lstat().st_mode)
    except OSError:
        return
    if regular:
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(target)


def _quote(path: Path) -> bytes:
    escapes = {ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n"}
    return b'"' + str(path).translate(escapes).encode("utf-8", "surrogateescape") + b'"'
