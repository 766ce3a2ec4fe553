"""The fix as a branch of the user's own repository."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from activities.git.command import GitError, run_git
from activities.git.packs import require_folder
from activities.git.trees import commit_tree, resolve_revision
from hydranet.contracts import FIX_BRANCH, Publication, PublishRequest
from hydranet.text.escaping import escape_controls


def publish(request: PublishRequest, bundles: Sequence[bytes]) -> Publication:
    """Bring the checkpoints' objects in, name them, and put the fix on `hydra/fix-<slug>`.

    Neither the working tree nor any branch of the user's is touched, unless `apply` asks to
    fast-forward the checked-out branch. Publishing the same request again changes nothing.
    """
    path = Path(request.repository_path)
    require_folder(path)
    for data in bundles:
        with tempfile.NamedTemporaryFile(suffix=".bundle") as file:
            file.write(data)
            file.flush()
            run_git(path, "bundle", "unbundle", file.name)
    for named in request.checkpoints:
        run_git(path, "update-ref", f"refs/hydra/{request.run_id}/{named.name}", named.checkpoint.commit)
    if request.fix is None:
        return Publication()
    fix = _described(path, request)
    branch = _free_branch(path, f"{FIX_BRANCH}{request.slug}", fix)
    run_git(path, "update-ref", f"refs/heads/{branch}", fix)
    return Publication(branch=branch, commit=fix, note=_apply(path, branch) if request.apply else "")


def _described(path: Path, request: PublishRequest) -> str:
    """Squash the fix into one commit on the base, however many attempts led to it."""
    assert request.fix is not None
    return commit_tree(path, f"{request.fix.commit}^{{tree}}", request.base, escape_controls(request.message))


def _free_branch(path: Path, wanted: str, commit: str) -> str:
    """`wanted`, or with a number when that branch exists and is something else."""
    name, number = wanted, 1
    while _resolve(path, f"refs/heads/{name}") not in (None, commit):
        number += 1
        name = f"{wanted}-{number}"
    return name


def _resolve(path: Path, reference: str) -> str | None:
    try:
        return resolve_revision(path, reference)
    except GitError:
        return None


def _apply(path: Path, branch: str) -> str:
    """Fast-forward the checked-out branch; git itself refuses to overwrite local changes."""
    done = subprocess.run(
        ["git", "-c", "core.hooksPath=/dev/null", "merge", "--ff-only", "--quiet", branch],
        cwd=path,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode == 0:
        return f"applied: the working tree is now at {branch}"
    return f"not applied, the working tree is as it was: {done.stderr.strip().splitlines()[0]}"
