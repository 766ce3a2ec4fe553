"""A repository on its way to another node: HEAD packed, the pack and later bundles unpacked."""

import shutil
import tempfile
from pathlib import Path

from filelock import FileLock

from activities.git.command import run_git
from hydranet.errors import FatalError


def pack_head(path: Path, limit_mb: int) -> tuple[str, bytes]:
    """Return the commit at HEAD and a pack of it and its tree, without history.

    Raises FatalError when the pack is larger than `limit_mb`, or the repository is gone.
    """
    require_folder(path)
    commit = run_git(path, "rev-parse", "HEAD").decode().strip()
    names = run_git(path, "rev-list", "--objects", "--no-walk", commit)
    data = run_git(path, "pack-objects", "--stdout", "--quiet", "--threads=1", "--no-reuse-delta", stdin=names)
    if len(data) > limit_mb * 1_000_000:
        raise FatalError(
            f"The repository packs to {len(data) / 1e6:.0f} MB, above the limit of {limit_mb} MB: "
            "remove large files from HEAD or raise 'repository_limit_mb'."
        )
    return commit, data


def unpack(repository: Path, commit: str, pack: bytes) -> None:
    """Make the bare repository that holds `commit` and its tree, unless it is there."""
    repository.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{repository}.lock"):
        if (repository / "complete").exists():
            return
        shutil.rmtree(repository, ignore_errors=True)
        repository.mkdir()
        run_git(repository, "init", "--quiet", "--bare", ".")
        # The history before the snapshot stays with the user: its commit has no parents here.
        (repository / "shallow").write_text(commit + "\n")
        run_git(repository, "index-pack", "--stdin", "--strict", stdin=pack)
        run_git(repository, "update-ref", "refs/heads/base", commit)
        (repository / "complete").touch()


def unbundle(repository: Path, bundle: bytes) -> None:
    """Bring the objects of a bundle into the repository."""
    with tempfile.NamedTemporaryFile(suffix=".bundle") as file:
        file.write(bundle)
        file.flush()
        run_git(repository, "bundle", "unbundle", file.name)


def require_folder(path: Path) -> None:
    """Raise FatalError when the repository is gone."""
    if not path.is_dir():
        raise FatalError(f"The repository {path} is no longer there: put it back and run the command again.")
