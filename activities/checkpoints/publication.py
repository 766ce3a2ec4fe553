"""The fix as a branch of the user's own repository."""

import errno
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from activities.git.command import GitError, check_id, run_git
from activities.git.packs import require_commit, unbundle
from activities.git.trees import commit_tree, resolve_revision
from activities.git.user_repository import UserRepository
from hydranet.contracts import FIX_BRANCH, Publication, PublishRequest
from hydranet.errors import FatalError
from hydranet.text.escaping import escape_controls

_ROOM_BYTES = 1_000_000
"""What the objects of a fix and of a run's checkpoints take at most, but for unusual ones."""


def publish(request: PublishRequest, bundles: Mapping[str, bytes]) -> Publication:
    """Bring the checkpoints' objects in, name them, and put the fix on `hydra/fix-<slug>`.

    `bundles` are those of the commits that have one. Neither the working tree nor any branch of the user's
    is touched, unless `apply` asks to fast-forward the checked-out branch. Publishing the same request again
    changes nothing.
    """
    repository = UserRepository.find(Path(request.repository_path))
    references = {
        f"refs/hydra/{request.run_id}/{named.name}": check_id(named.checkpoint.commit) for named in request.checkpoints
    }
    repository.check_writable([*references])
    with repository.open(write=True) as folder:
        for commit, bundle in bundles.items():
            unbundle(folder, bundle, commit)
        if request.fix is None:
            _write_references(folder, references)
            return Publication()
        # Squashed into one commit on the base, however many attempts led to it.
        require_commit(folder, request.fix.commit)
        tree = resolve_revision(folder, f"{request.fix.commit}^{{tree}}")
        fix = commit_tree(folder, tree, check_id(request.base), escape_controls(request.message))
        branch = _free_branch(folder, f"{FIX_BRANCH}{request.slug}", fix)
        repository.check_writable([f"refs/heads/{branch}"])
        _write_references(folder, {**references, f"refs/heads/{branch}": fix})
        note = _apply(repository, folder, branch, fix) if request.apply else ""
    return Publication(branch=branch, commit=fix, note=note)


def check_publishable(repository: UserRepository, slug: str) -> None:
    """Raise FatalError with what stands in the way of a fix on `hydra/fix-<slug>`; nothing is left behind.

    Git itself locks the references that a publication writes, and lets them go again.
    """
    try:
        with repository.open(write=True) as folder:
            head = resolve_revision(folder, "HEAD")
            branch = _free_branch(folder, f"{FIX_BRANCH}{slug}")
            references = [f"refs/heads/{branch}", f"refs/hydra/{head}/b01/attempt-001"]
            repository.check_writable(references)
            with tempfile.TemporaryFile(dir=repository.common / "objects") as probe:
                probe.write(bytes(_ROOM_BYTES))
            rows = "".join(f"create {name}\0{head}\0" for name in references)
            run_git(folder, "update-ref", "-z", "--stdin", stdin=f"start\0{rows}prepare\0abort\0".encode())
    except GitError as error:
        reason = error.reason.replace(str(folder), str(repository.common)).removeprefix("prepare: ").rstrip(".")
        remedy = "remove that file if no other git is at work there" if ".lock'" in reason else "correct that"
        raise FatalError(f"A fix could not be published in {repository.folder} ({reason}): {remedy}.") from None
    except OSError as error:
        remedy = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable for you"
        raise FatalError(
            f"A fix could not be published, since {repository.common} cannot be written to ({error.strerror}): "
            f"{remedy}, or take a clone."
        ) from None


def _write_references(folder: Path, references: Mapping[str, str]) -> None:
    if references:
        rows = "".join(f"update {name}\0{commit}\0\0" for name, commit in references.items())
        run_git(folder, "update-ref", "-z", "--stdin", stdin=rows.encode())


def _free_branch(folder: Path, wanted: str, commit: str = "") -> str:
    """`wanted`, or with a number when that branch exists and is something else than `commit`."""
    parent = wanted.partition("/")[0]
    listed = run_git(folder, "for-each-ref", "--format=%(objectname) %(refname)", f"refs/heads/{parent}")
    rows = (row.partition(" ") for row in listed.decode("utf-8", "surrogateescape").splitlines())
    taken = {name.removeprefix("refs/heads/"): oid for oid, _, name in rows}
    if parent in taken:
        raise FatalError(
            f"The branch `{parent}` leaves no room for `{wanted}`, where the fix is published: "
            f"rename it with `git branch -m {parent} NAME`."
        )
    # A branch below another's name leaves no room for that, either.
    occupied = taken.keys() | {str(above) for name in taken for above in PurePosixPath(name).parents}
    name, number = wanted, 1
    while name in occupied and taken.get(name) != commit:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _apply(repository: UserRepository, folder: Path, branch: str, fix: str) -> str:
    """Fast-forward the checked-out branch; git itself refuses to overwrite local changes."""
    if not repository.branch:
        return "not applied, the working tree is as it was: no branch is checked out"
    repository.check_writable([f"refs/heads/{repository.branch}"])
    try:
        run_git(folder, "merge", "--ff-only", "--quiet", "--end-of-options", fix, env=repository.work_tree)
    except GitError as error:
        return f"not applied, the working tree is as it was: {error.reason}"
    return f"applied: the working tree is now at {branch}"
