"""A repository with a bug, and all that a run and the commands do with it."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from activities.artifacts.store import FolderArtifacts
from activities.checkpoints.activities import CheckpointActivities, RepositoryActivities
from activities.git.objects import GitObjects
from activities.git.user_repository import UserRepository
from activities.retrieval.search_cache import Searches
from hydra_cli.bench.suite import check_out, read_suite
from hydra_cli.repository import Repository
from hydranet import patches
from hydranet.contracts import (
    Checkpoint,
    CommitRequest,
    NamedCheckpoint,
    Publication,
    PublishRequest,
    Snapshot,
    SnapshotRequest,
)
from hydranet.policy.constitution import load_rules

FILES = {"pkg/a.py": "x = 1\n", "pkg/b.py": "def late():\n    return 0\n", "README": "Some code.\n"}
FIXED = "x = 2\n"
SHA256 = ("--object-format=sha256",)


def git(folder: Path, *arguments: str, stdin: str | bytes = b"") -> str:
    """Run plain git, with an identity and without the configuration of whoever runs the tests."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    names = {f"GIT_{role}_{part}": "t@localhost" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    given = stdin.encode() if isinstance(stdin, str) else stdin
    environment = {**os.environ, **own, **names}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, input=given, capture_output=True)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode(errors="surrogateescape").strip()


def make_repository(folder: Path, *options: str) -> Path:
    """Make a repository of two commits, with FILES at HEAD."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main", *options)
    for text in ("x = 0\n", FILES["pkg/a.py"]):
        for name, content in {**FILES, "pkg/a.py": text}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", text)
    return folder


@dataclass
class Story:
    """What a run and the commands did with a repository; each step is the one that they take."""

    repository: Path
    scratch: Path

    def __post_init__(self) -> None:
        self.artifacts = FolderArtifacts(self.scratch / "artifacts")
        self.objects = GitObjects(self.scratch / "node", self.artifacts)

    async def take_snapshot(self) -> Snapshot:
        request = SnapshotRequest(repository_path=str(self.repository))
        return await RepositoryActivities(self.artifacts).snapshot_repository(request)

    async def make_fix(self, snapshot: Snapshot) -> Checkpoint:
        """Change pkg/a.py on a node."""
        base = Checkpoint(commit=snapshot.commit)
        diff = patches.make_diff("pkg/a.py", await self.objects.read(snapshot, base, "pkg/a.py"), FIXED)
        request = CommitRequest(
            snapshot=snapshot, parent=base, diff=await self.artifacts.put(diff.encode()), message="an attempt"
        )
        return await CheckpointActivities(self.artifacts, self.objects).commit_checkpoint(request)

    async def publish(self, snapshot: Snapshot, fix: Checkpoint, *, apply: bool) -> Publication:
        request = PublishRequest(
            repository_path=str(self.repository),
            run_id="fix-user",
            slug="it-breaks",
            base=snapshot.commit,
            fix=fix,
            message="It breaks",
            apply=apply,
            approved=(load_rules().decide("apply", "main"),) if apply else (),
            checkpoints=(NamedCheckpoint(name="b01/attempt-001", checkpoint=fix),),
        )
        return await RepositoryActivities(self.artifacts).publish_fix(request)

    async def search(self) -> list[str]:
        """Return the files that `hydra retrieve` would search."""
        repository = UserRepository.find(self.repository)
        with repository.open() as folder:
            search = await Searches().of(folder, repository.resolve_head(), str(self.repository))
        return sorted({node.path for node in search.index.nodes})

    def check_out_instance(self) -> Path:
        """Check out an instance of a suite that has the whole repository as its files, .git included."""
        suite = self.scratch / "suite"
        for folder in ("one/repo", "packages/shop"):
            (suite / folder).parent.mkdir(parents=True)
            subprocess.run(["cp", "-a", self.repository, suite / folder], check=True)
        (suite / "two").mkdir()
        (suite / "two" / "bug.patch").write_text("--- a/README\n+++ b/README\n@@ -1 +1 @@\n-Some code.\n+No code.\n")
        for name, more in (("one", {}), ("two", {"package": "shop"})):
            (suite / name / "instance.json").write_text(json.dumps({"id": name, "issue": "It breaks", **more}))
        (suite / "suite.json").write_text(json.dumps({"name": "s", "instances": ["one", "two"]}))
        instances = read_suite(suite, [])[1]
        check_out(instances["one"], self.scratch / "first")
        return check_out(instances["two"], self.scratch / "second").path

    async def run(self, *, apply: bool = True) -> str:
        """Take all steps, check what each gives, and return the published commit."""
        opened = Repository.open(self.repository)
        assert opened.path == self.repository
        opened.check_publishable("it-breaks")
        checked_out = self.check_out_instance()
        assert (checked_out / "README").read_text() == "No code.\n"
        assert (checked_out / "pkg" / "a.py").read_text() == FILES["pkg/a.py"]
        assert await self.search() == ["pkg/a.py", "pkg/b.py"]
        snapshot = await self.take_snapshot()
        base = Checkpoint(commit=snapshot.commit)
        assert FILES.keys() <= set(await self.objects.files(snapshot, base))
        for path, text in FILES.items():
            assert await self.objects.read(snapshot, base, path) == text
        tree = await self.objects.checkout(snapshot, base)
        assert {path: (tree / path).read_text() for path in FILES} == FILES
        fix = await self.make_fix(snapshot)
        published = await self.publish(snapshot, fix, apply=apply)
        assert published.branch == "hydra/fix-it-breaks"
        assert published.note.startswith("applied") is apply, published.note
        assert (self.repository / "pkg" / "a.py").read_text() == (FIXED if apply else FILES["pkg/a.py"])
        return published.commit
