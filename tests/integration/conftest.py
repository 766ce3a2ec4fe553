"""Fixtures: a sandbox, the environment that its tests share, small repositories to run in it, and databases."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import platformdirs
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from activities.artifacts.database import open_database
from activities.artifacts.store import FolderArtifacts, get_model, put_model
from activities.artifacts.variables import HeldVariables
from activities.checkpoints.activities import CheckpointActivities
from activities.git.objects import GitObjects
from activities.sandbox import dependencies
from activities.sandbox.activities import SandboxActivities
from activities.sandbox.bubblewrap import Bubblewrap
from activities.sandbox.protocol import Sandbox
from activities.sandbox.virtual_environments import EnvironmentCache
from hydranet import patches
from hydranet.contracts import (
    ArtifactRef,
    Candidate,
    Candidates,
    Checkpoint,
    CommitRequest,
    CoverageRequest,
    Environment,
    SandboxSpec,
    Snapshot,
    Spectrum,
    TestReport,
    TestRequest,
    TestResult,
    TestResults,
    Trial,
    TrialRequest,
)
from hydranet.policy.constitution import Constitution
from hydranet.question import BehaviourAnswer
from hydranet.settings import SandboxSettings
from workers.postgres import open_postgres
from workers.sealing import KeyRing

# Kept between runs of the tests: only the first needs a package index.
CACHE = platformdirs.user_cache_path("hydranet-tests")


class Project:
    """A repository of one commit and the sandbox activities on it."""

    def __init__(
        self,
        folder: Path,
        snapshot: Snapshot,
        spec: SandboxSpec,
        artifacts: FolderArtifacts,
        sandbox: Sandbox,
        rules: Constitution | None,
        variables: HeldVariables,
    ) -> None:
        self.artifacts = artifacts
        self.snapshot = snapshot
        self.spec = spec
        self.base = Checkpoint(commit=snapshot.commit)
        self.environment = Environment(key="")
        self.objects = GitObjects(folder / "nodes", artifacts)
        self.activities = SandboxActivities(sandbox, artifacts, self.objects, CACHE, variables, rules)

    async def test(self, baseline: ArtifactRef | None = None) -> TestReport:
        """Run all tests; with the results of another commit as `baseline`, as the verification of a fix of it."""
        return await self.activities.run_tests(
            TestRequest(
                snapshot=self.snapshot,
                checkpoint=self.base,
                environment=self.environment,
                spec=self.spec,
                baseline=baseline,
            )
        )

    async def verify(self, baseline: ArtifactRef | None, fix: Trial | Candidate) -> TestReport:
        """Run all tests of a candidate, as the verification of a fix of this commit."""
        diff = fix.diff if isinstance(fix, Trial) else await self.artifacts.put(fix.diff.encode())
        assert diff is not None
        request = CommitRequest(snapshot=self.snapshot, parent=self.base, diff=diff, message="fix")
        checkpoint = await CheckpointActivities(self.artifacts, self.objects).commit_checkpoint(request)
        return await self.activities.run_tests(
            TestRequest(
                snapshot=self.snapshot,
                checkpoint=checkpoint,
                environment=self.environment,
                spec=self.spec,
                baseline=baseline,
            )
        )

    async def results(self, report: TestReport) -> dict[str, TestResult]:
        assert report.results is not None
        found = await get_model(self.artifacts, report.results, TestResults)
        return {test.id: test for test in found.tests}

    async def cover(self, baseline: ArtifactRef | None, only: str = "") -> Spectrum:
        assert baseline is not None
        request = CoverageRequest(
            snapshot=self.snapshot,
            checkpoint=self.base,
            environment=self.environment,
            spec=self.spec,
            baseline=baseline,
            only=only,
        )
        return await get_model(self.artifacts, await self.activities.measure_coverage(request), Spectrum)

    async def change(self, path: str, old: str, new: str) -> Candidate:
        """The candidate that replaces `old` by `new` in the file."""
        text = await self.objects.read(self.snapshot, self.base, path)
        assert text is not None
        assert old in text
        return Candidate(diff=patches.make_diff(path, text, text.replace(old, new)), title=new)

    async def attempt(
        self, baseline: ArtifactRef | None, candidates: Iterable[Candidate], answers: Iterable[BehaviourAnswer] = ()
    ) -> Trial:
        assert baseline is not None
        request = TrialRequest(
            snapshot=self.snapshot,
            parent=self.base,
            environment=self.environment,
            spec=self.spec,
            baseline=baseline,
            candidates=await put_model(self.artifacts, Candidates(candidates=tuple(candidates))),
            answers=tuple(answers),
        )
        return await self.activities.try_candidates(request)


Make = Callable[..., Awaitable[Project]]


async def make_project(
    folder: Path,
    sandbox: Sandbox,
    files: Mapping[str, str | bytes],
    /,
    *,
    rules: Constitution | None = None,
    **settings: Any,
) -> Project:
    """Make a project in a folder out of files (path to text); other arguments are settings of its sandbox."""
    artifacts = FolderArtifacts(folder / "artifacts")
    commit, pack = _commit(folder / "repository", files)
    snapshot = Snapshot(commit=commit, pack=await artifacts.put(pack))
    variables = HeldVariables(KeyRing(folder, [bytes(32)]))
    spec = SandboxSettings(**{"test_timeout": 60, **settings})
    references = variables.hold(spec.env)
    return Project(folder, snapshot, spec.make_spec(references), artifacts, sandbox, rules, variables)


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox) -> Make:
    """Makes a project in the test's folder: see `make_project`."""
    return partial(make_project, tmp_path, sandbox)


@pytest.fixture
def sandbox() -> Sandbox:
    return Bubblewrap()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with one file, `kept.txt`."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "kept.txt").write_text("as it was\n")
    return folder


@pytest.fixture
async def base_environment(sandbox: Sandbox, tree: Path) -> Path:
    """The environment with pytest and coverage, made by the first test that ever asks for it."""
    return await EnvironmentCache(sandbox, CACHE).prepare(dependencies.plan_base(sandbox), tree, SandboxSpec())


@pytest.fixture
def cache(tmp_path: Path, base_environment: Path) -> Path:
    """An empty cache but for the base environment."""
    folder = tmp_path / "cache"
    link_environment(base_environment, folder)
    return folder


@pytest.fixture
def bare_cache(tmp_path: Path, sandbox: Sandbox) -> Path:
    """An empty cache but for an empty base environment, so that copying it takes no time."""
    folder = tmp_path / "cache"
    for name in ("env", "generated"):
        (folder / "environments" / dependencies.plan_base(sandbox).key / name).mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of the tests' own, by its DSN."""
    # A folder of pytest's has too long a path for a socket.
    with tempfile.TemporaryDirectory(prefix="hydranet-tests-") as name:
        folder = Path(name)
        with open_postgres(folder / "data", folder, folder / "log") as server:
            with psycopg.connect(server.dsn, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                # The logins of nodes come with a password, as they do over TLS.
                access = folder / "pg_hba.conf"
                groups = "".join(f"local all +hydra_{role} scram-sha-256\n" for role in ("sandbox", "inference"))
                access.write_text(groups + access.read_text())
                connection.execute("SELECT pg_reload_conf()")
            yield server.dsn


@pytest.fixture
def fresh(postgres: str) -> Callable[[], AbstractAsyncContextManager[AsyncConnectionPool]]:
    """Opens a pool on a new database: `async with fresh() as pool`."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[AsyncConnectionPool]:
        name = f"t{uuid.uuid4().hex}"
        async with await psycopg.AsyncConnection.connect(postgres, autocommit=True) as connection:
            await connection.execute(f"CREATE DATABASE {name}".encode())
        async with open_database(make_conninfo(postgres, dbname=name)) as pool:
            yield pool

    return opened


@pytest.fixture
async def pool(
    fresh: Callable[[], AbstractAsyncContextManager[AsyncConnectionPool]],
) -> AsyncIterator[AsyncConnectionPool]:
    """A pool on a new database."""
    async with fresh() as opened:
        yield opened


def _commit(folder: Path, files: Mapping[str, str | bytes]) -> tuple[str, bytes]:
    """The commit that holds the files and a pack of its objects."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all", "--force")
    _git(folder, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "--message", "all")
    names = _git(folder, "rev-list", "--objects", "--no-walk", "HEAD")
    pack = _git(folder, "pack-objects", "--stdout", "--quiet", stdin=names)
    return _git(folder, "rev-parse", "HEAD").decode().strip(), pack


def link_environment(environment: Path, cache: Path) -> None:
    """Put a kept environment into another cache, by links to its files, to which nothing is written any more."""
    kept = environment.parent
    shutil.copytree(kept, cache / "environments" / kept.name, symlinks=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another file system, or a file of another user's.
        shutil.copy2(source, target)


def _git(folder: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    return subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True, check=True).stdout
