"""What a setup leaves: it belongs to its repository, is mounted from where it was made, and is bounded."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from activities.sandbox import dependencies, disk_usage
from activities.sandbox.dependencies import InstallPlan
from activities.sandbox.protocol import Execution, Job, Limits, Sandbox
from activities.sandbox.virtual_environments import EnvironmentCache
from hydranet.contracts import PrepareRequest, SandboxSpec
from hydranet.errors import FatalError
from tests.integration.conftest import Make
from tests.sandboxes import BACKENDS, sandbox_of

LIMITS = Limits(seconds=30, memory_mb=512, processes=64, file_mb=16, disk_mb=32, output_kb=64)
SITE = "$(python -c 'import site; print(site.getsitepackages()[0])')"

Prepare = Callable[..., Awaitable[Path]]


class Recording:
    """A sandbox that remembers the jobs of setups, and the files that each saw."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.name, self.interpreter = sandbox.name, sandbox.interpreter
        self.trees: list[list[str]] = []

    async def run(self, job: Job) -> Execution:
        if job.setup:
            files = [str(path.relative_to(job.tree)) for path in job.tree.rglob("*") if path.is_file()]
            self.trees.append(sorted(files))
        return await self._sandbox.run(job)


@pytest.fixture(params=BACKENDS)
async def sandbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recording]:
    async with sandbox_of(request.param, tmp_path_factory.mktemp("sandbox")) as opened:
        yield Recording(opened)


@pytest.fixture
def cache(cache: Path, sandbox: Recording) -> Path:
    sandbox.trees.clear()
    return cache


@pytest.fixture
def prepare(sandbox: Recording, bare_cache: Path, tree: Path) -> Prepare:
    async def prepare(*lines: str, commit: str = "a" * 40, **settings: int) -> Path:
        spec = SandboxSpec(setup=lines, **settings)
        return await EnvironmentCache(sandbox, bare_cache).prepare(plan(sandbox, spec, commit), tree, spec)

    return prepare


def plan(sandbox: Recording, spec: SandboxSpec, commit: str) -> InstallPlan:
    return dependencies.plan_install(sandbox, spec, {}, has_src=False, commit=commit)


SETUP_PY = "import helper\nfrom setuptools import setup\nsetup(name='app', py_modules=['app'])\n"
CHEAT = "import builtins; builtins.CHEAT = True"
HELPER = f"""
import glob
for folder in glob.glob("/env/lib/python3*/site-packages"):
    open(folder + "/cheat.pth", "w").write({CHEAT!r})
"""
TEST = "import builtins\ndef test_a(): assert getattr(builtins, 'CHEAT', False)\n"


@pytest.mark.parametrize("setup", [(), ("python setup.py --version",)])
async def test_an_environment_of_one_repository_serves_no_other(
    project: Make, sandbox: Recording, cache: Path, setup: tuple[str, ...], tmp_path: Path
) -> None:
    """The declaring files are the same; what they run is not."""
    reports = []
    for helper in (HELPER, ""):
        shutil.rmtree(tmp_path / "repository", ignore_errors=True)
        made = await project(
            {"setup.py": SETUP_PY, "helper.py": helper, "app.py": "", "test_a.py": TEST}, setup=setup,
            env={"PYTHONPATH": "/work"},
        )  # fmt: skip
        made.activities._cache = cache
        reports.append((await made.test()).passed)
    assert reports == [True, False]


async def test_a_commit_that_declares_the_same_installs_nothing(
    project: Make, sandbox: Recording, cache: Path, tmp_path: Path
) -> None:
    for number in range(3):
        shutil.rmtree(tmp_path / "repository", ignore_errors=True)
        files = {
            "requirements.txt": "six\n",
            "app.py": f"x = {number}",
            "test_a.py": "import six\ndef test_a(): pass\n",
        }
        made = await project(files)
        made.activities._cache = cache
        await made.activities.prepare_environment(PrepareRequest(snapshot=made.snapshot, spec=made.spec))
        assert (await made.test()).passed
    assert sandbox.trees == [["requirements.txt"]]


async def test_packages_in_src_keep_their_dependencies_from_commit_to_commit(
    project: Make, sandbox: Recording, cache: Path, tmp_path: Path
) -> None:
    pyproject = '[project]\nname = "app"\nversion = "1"\ndependencies = ["six"]\n'
    for number in range(2):
        shutil.rmtree(tmp_path / "repository", ignore_errors=True)
        files = {
            "pyproject.toml": pyproject,
            "src/app.py": f"x = {number}",
            "test_a.py": "import app, six\ndef test_a(): pass\n",
        }
        made = await project(files)
        made.activities._cache = cache
        assert (await made.test()).passed
    whole = ["pyproject.toml", "src/app.py", "test_a.py"]
    assert sandbox.trees == [["pyproject.toml"], whole, whole]


@pytest.mark.parametrize(
    "line",
    [
        "ln -s / /env/.hydra-work",
        "rm -rf /generated; ln -s / /generated/root",
        "mv /generated /env/moved; rmdir /generated; true",
        "rm -rf /env/* && ln -s / /env/bin",
    ],
)
async def test_what_a_setup_leaves_mounts_nothing_of_the_host(
    prepare: Prepare, sandbox: Recording, tree: Path, tmp_path: Path, line: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    environment = await prepare(f"{line} || true")
    places = ("", "/work", "/work/root", "/generated", "/generated/root", "/env/bin", "/env/.hydra-work")
    look = f"cat {' '.join(place + str(secret) for place in places)}; echo looked"
    done = await sandbox.run(Job(("/bin/sh", "-c", look), tree, LIMITS, environment=environment))
    assert "of the host" not in done.output
    assert done.stdout == "looked\n"


@pytest.mark.parametrize("name", ["generated", "env", "."])
async def test_a_link_is_never_mounted(prepare: Prepare, sandbox: Recording, tree: Path, name: str) -> None:
    environment = await prepare("true")
    path = environment.parent / name if name != "." else environment.parent
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("/usr")
    with pytest.raises(FatalError, match="is a link or of a wrong kind"):
        await sandbox.run(Job(("true",), tree, LIMITS, environment=environment))


def make_job(kind: str, job: Job, link: Path) -> Job:
    changed = {"results": replace(job, results=link), "inputs": replace(job, inputs=link)}
    return changed.get(kind, replace(job, tree=link))


@pytest.mark.parametrize("kind", ["results", "inputs", "tree"])
async def test_other_sources_are_no_links_either(sandbox: Recording, tree: Path, tmp_path: Path, kind: str) -> None:
    link = tmp_path / "link"
    link.symlink_to("/etc/passwd" if kind == "results" else "/usr")
    with pytest.raises(FatalError, match="is a link or of a wrong kind"):
        await sandbox.run(make_job(kind, Job(("true",), tree, LIMITS), link))


BLOCKS = "for name in 1 2 3 4 5 6; do dd if=/dev/zero of={}$name bs=1M count=100 2>/dev/null; done"
HIDDEN = """python3 -c "
import os, time
for number in range(60):
    file = open('/env/hidden', 'wb'); os.unlink('/env/hidden'); globals()[f'f{number}'] = file
    for _ in range(10):
        file.write(bytes(1 << 20))
    file.flush()
time.sleep(60)"
"""
NAMES = """python3 -c "
import os
for number in range(200000):
    os.mknod('/env/' + str(number))
" && sleep 60
"""
DEEP = """python3 -c "
import os
os.chdir('/env')
for _ in range(100):
    os.mkdir('d' * 200)
    os.chdir('d' * 200)
" && sleep 60
"""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (BLOCKS.format("/env/") + "; sleep 60", "wrote more than 200 MB to the disk"),
        (BLOCKS.format("/generated/") + "; sleep 60", "wrote more than 200 MB to the disk"),
        (HIDDEN, "wrote more than 200 MB to the disk"),
        (NAMES, "made more than 50000 files"),
        (DEEP, "made folders that are too deep"),
        ("mkdir /env/closed && chmod 0 /env/closed; sleep 60", "made a folder that cannot be read"),
    ],
    ids=["size", "generated", "deleted", "files", "depth", "closed"],
)
async def test_a_setup_leaves_so_much_and_no_more(
    prepare: Prepare, bare_cache: Path, monkeypatch: pytest.MonkeyPatch, line: str, reason: str
) -> None:
    if "closed" in line and os.getuid() == 0:
        pytest.skip("root reads every folder")
    monkeypatch.setattr(disk_usage, "INODES_LIMIT", 50_000)
    before = sorted((bare_cache / "environments").iterdir())
    with pytest.raises(FatalError, match=reason):
        await prepare(line, environment_mb=200, setup_timeout=50)
    assert [path for path in sorted((bare_cache / "environments").iterdir()) if path.suffix != ".lock"] == [
        path for path in before if path.suffix != ".lock"
    ]


async def test_a_record_as_large_as_any_file_is_read_from_its_end(prepare: Prepare) -> None:
    with pytest.raises(FatalError, match="failed at `false`"):
        await prepare(
            "dd if=/dev/zero of=/results bs=1M count=300 conv=notrunc oflag=append 2>/dev/null; echo >> /results",
            "false",
        )
