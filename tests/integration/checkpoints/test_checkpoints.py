"""Snapshot, deterministic commits, thin bundles and publication, on real repositories."""

import subprocess
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from activities.artifacts.store import FolderArtifacts
from activities.checkpoints.activities import CheckpointActivities, RepositoryActivities
from activities.checkpoints.commits import commit_diff
from activities.checkpoints.publication import publish
from activities.git.objects import GitObjects
from activities.git.packs import pack_head
from hydranet import patches
from hydranet.contracts import (
    Checkpoint,
    CommitRequest,
    NamedCheckpoint,
    PublishRequest,
    Snapshot,
    SnapshotRequest,
)
from hydranet.errors import FatalError, PatchError
from hydranet.policy import constitution


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=T", "-c", "user.email=t@localhost", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "user"
    (root / "pkg").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    for version in ("x = 0\n", "x = 1\n"):
        (root / "pkg" / "a.py").write_text(version)
        (root / "run.sh").write_text("#!/bin/sh\n")
        (root / "run.sh").chmod(0o755)
        git(root, "add", "-A")
        git(root, "commit", "-q", "--allow-empty", "-m", f"version {version}")
    return root


class Node:
    """A node with its own folder and the shared artifacts."""

    def __init__(self, folder: Path, artifacts: FolderArtifacts) -> None:
        self.objects = GitObjects(folder, artifacts)
        self.checkpoints = CheckpointActivities(artifacts, self.objects)


@pytest.fixture
def artifacts(tmp_path: Path) -> FolderArtifacts:
    return FolderArtifacts(tmp_path / "artifacts")


async def snapshot(repository: Path, artifacts: FolderArtifacts, limit_mb: int = 100) -> Snapshot:
    request = SnapshotRequest(repository_path=str(repository), limit_mb=limit_mb)
    return await RepositoryActivities(artifacts).snapshot_repository(request)


async def committed(node: Node, taken: Snapshot, parent: Checkpoint, new: str) -> Checkpoint:
    old = await node.objects.read(taken, parent, "pkg/a.py")
    diff = await node.objects._artifacts.put(patches.make_diff("pkg/a.py", old, new).encode(), "text/x-diff")
    return await node.checkpoints.commit_checkpoint(
        CommitRequest(snapshot=taken, parent=parent, diff=diff, message="an attempt")
    )


async def test_a_checkpoint_made_on_one_node_is_read_on_another(
    repository: Path, artifacts: FolderArtifacts, tmp_path: Path
) -> None:
    taken = await snapshot(repository, artifacts)
    assert taken.commit == git(repository, "rev-parse", "HEAD")
    one, two = Node(tmp_path / "one", artifacts), Node(tmp_path / "two", artifacts)
    base = Checkpoint(commit=taken.commit)
    first = await committed(one, taken, base, "x = 2\n")
    second = await committed(one, taken, first, "x = 3\n")
    assert await two.objects.read(taken, second, "pkg/a.py") == "x = 3\n"
    assert await two.objects.files(taken, second) == ["pkg/a.py", "run.sh"]
    tree = await two.objects.checkout(taken, second)
    assert (tree / "pkg" / "a.py").read_text() == "x = 3\n"
    assert (tree / "run.sh").stat().st_mode & 0o111
    assert second.bundle is not None
    assert second.bundle.size < 4096


async def test_the_same_attempt_gives_the_same_commit_anywhere(
    repository: Path, artifacts: FolderArtifacts, tmp_path: Path
) -> None:
    taken = await snapshot(repository, artifacts)
    base = Checkpoint(commit=taken.commit)
    made = [await committed(Node(tmp_path / name, artifacts), taken, base, "x = 2\n") for name in ("one", "two")]
    assert made[0].commit == made[1].commit


async def test_a_repository_above_the_limit_is_refused_with_a_sentence(
    repository: Path, artifacts: FolderArtifacts
) -> None:
    (repository / "big").write_bytes(bytes(n % 251 * (n // 7) % 256 for n in range(1_500_000)))
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "big")
    (repository / "big").write_bytes(b"")
    import os

    (repository / "big").write_bytes(os.urandom(1_500_000))
    git(repository, "commit", "-q", "-a", "-m", "bigger")
    with pytest.raises(ApplicationError, match="above the limit of 1 MB"):
        await snapshot(repository, artifacts, limit_mb=1)


async def test_publishing_gives_a_branch_and_leaves_everything_else_alone(
    repository: Path, artifacts: FolderArtifacts, tmp_path: Path
) -> None:
    taken = await snapshot(repository, artifacts)
    node = Node(tmp_path / "one", artifacts)
    first = await committed(node, taken, Checkpoint(commit=taken.commit), "x = 2\n")
    fix = await committed(node, taken, first, "x = 3\n")
    (repository / "pkg" / "a.py").write_text("x = 'mine'\n")
    before = git(repository, "rev-parse", "main")
    request = PublishRequest(
        repository_path=str(repository),
        run_id="fix-user-1",
        slug="it-breaks",
        base=taken.commit,
        fix=fix,
        message="It breaks\n\nBecause.",
        checkpoints=(NamedCheckpoint(name="b01/attempt-001", checkpoint=first),),
    )
    activities = RepositoryActivities(artifacts)
    published = await activities.publish_fix(request)
    assert published.branch == "hydra/fix-it-breaks"
    assert git(repository, "show", "hydra/fix-it-breaks:pkg/a.py") == "x = 3"
    assert git(repository, "rev-parse", "hydra/fix-it-breaks^") == taken.commit
    assert git(repository, "log", "-1", "--format=%s", "hydra/fix-user-1/b01/attempt-001") == "an attempt"
    assert git(repository, "rev-parse", "main") == before
    assert (repository / "pkg" / "a.py").read_text() == "x = 'mine'\n"
    assert await activities.publish_fix(request) == published
    assert len(git(repository, "branch", "--list", "hydra/*").splitlines()) == 1


async def test_a_branch_of_that_name_is_never_overwritten(
    repository: Path, artifacts: FolderArtifacts, tmp_path: Path
) -> None:
    git(repository, "branch", "hydra/fix-it-breaks")
    taken = await snapshot(repository, artifacts)
    fix = await committed(Node(tmp_path / "n", artifacts), taken, Checkpoint(commit=taken.commit), "x = 2\n")
    request = PublishRequest(repository_path=str(repository), run_id="r", slug="it-breaks", base=taken.commit, fix=fix)
    published = await RepositoryActivities(artifacts).publish_fix(request)
    assert published.branch == "hydra/fix-it-breaks-2"


@pytest.mark.parametrize("dirty", [False, True])
async def test_apply_fast_forwards_or_leaves_the_working_tree_as_it_was(
    repository: Path, artifacts: FolderArtifacts, tmp_path: Path, dirty: bool
) -> None:
    taken = await snapshot(repository, artifacts)
    fix = await committed(Node(tmp_path / "n", artifacts), taken, Checkpoint(commit=taken.commit), "x = 2\n")
    if dirty:
        (repository / "pkg" / "a.py").write_text("x = 'mine'\n")
    approved = (constitution.load_rules().decide("apply", "main"),)
    request = PublishRequest(
        repository_path=str(repository),
        run_id="r",
        slug="s",
        base=taken.commit,
        fix=fix,
        message="m",
        apply=True,
        approved=approved,
    )
    published = await RepositoryActivities(artifacts).publish_fix(request)
    assert published.note.startswith("not applied" if dirty else "applied")
    assert (repository / "pkg" / "a.py").read_text() == ("x = 'mine'\n" if dirty else "x = 2\n")


async def test_hooks_and_configuration_of_the_repository_do_not_run(
    repository: Path, artifacts: FolderArtifacts, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    git(repository, "config", "core.fsmonitor", f"touch {marker}")
    for hook in ("reference-transaction", "post-checkout", "pre-auto-gc"):
        path = repository / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {marker}\n")
        path.chmod(0o755)
    taken = await snapshot(repository, artifacts)
    fix = await committed(Node(tmp_path / "n", artifacts), taken, Checkpoint(commit=taken.commit), "x = 2\n")
    request = PublishRequest(
        repository_path=str(repository), run_id="r", slug="s", base=taken.commit, fix=fix, message="m"
    )
    await RepositoryActivities(artifacts).publish_fix(request)
    assert not marker.exists()


async def test_links_are_not_followed(repository: Path, artifacts: FolderArtifacts, tmp_path: Path) -> None:
    (repository / "link.py").symlink_to("/etc/passwd")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "a link")
    taken = await snapshot(repository, artifacts)
    node, base = Node(tmp_path / "n", artifacts), Checkpoint(commit=taken.commit)
    assert await node.objects.read(taken, base, "link.py") is None
    assert "link.py" not in await node.objects.files(taken, base)
    assert await node.objects.read(taken, base, "../user/pkg/a.py") is None


def test_a_repository_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    request = PublishRequest(repository_path=str(gone), run_id="r", slug="s", base="b" * 40, fix=None)
    for call in (lambda: pack_head(gone, 10), lambda: publish(request, {})):
        with pytest.raises(FatalError, match="no longer there: put it back"):
            call()


@pytest.mark.parametrize("path", ["link.py", "folder/new.py"])
async def test_a_patch_neither_replaces_nor_follows_a_link(
    repository: Path, artifacts: FolderArtifacts, tmp_path: Path, path: str
) -> None:
    (repository / "link.py").symlink_to("pkg/a.py")
    (repository / "folder").symlink_to("/etc")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "links")
    taken = await snapshot(repository, artifacts)
    node, base = Node(tmp_path / "n", artifacts), Checkpoint(commit=taken.commit)
    fetched = await node.objects.fetch(taken, base)
    with pytest.raises(PatchError, match="a link or below one"):
        commit_diff(fetched, taken.commit, patches.make_diff(path, None, "/etc/passwd\n"), "m")
