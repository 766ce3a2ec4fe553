"""Prepared environments: what is detected, how they are made, shared and made again."""

import asyncio
import shutil
from pathlib import Path

import pytest

from activities.sandbox import dependencies
from activities.sandbox.bubblewrap import Bubblewrap
from activities.sandbox.protocol import Execution, Job, Limits
from activities.sandbox.variables import Variables
from activities.sandbox.virtual_environments import EnvironmentCache
from hydranet.contracts import SandboxSpec
from hydranet.errors import FatalError

LIMITS = Limits(seconds=30, memory_mb=512, processes=64, file_mb=16, disk_mb=32, output_kb=64)
BUBBLEWRAP = Bubblewrap()
SITE = "$(python -c 'import site; print(site.getsitepackages()[0])')"


class Counting(Bubblewrap):
    """The real sandbox, counting what runs in it."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Job] = []
        self.called = asyncio.Event()

    async def run(self, job: Job) -> Execution:
        self.jobs.append(job)
        self.called.set()
        return await super().run(job)


@pytest.fixture
def counting() -> Counting:
    return Counting()


def kept(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "environments").iterdir() if path.suffix != ".lock")


def plan_of(*setup: str, **settings: object) -> dependencies.InstallPlan:
    return plan_for(SandboxSpec(setup=setup, **settings), {})


def plan_with(digest: str) -> dependencies.InstallPlan:
    variables = Variables({"A": "1"}, digest)
    return dependencies.plan_install(BUBBLEWRAP, SandboxSpec(setup=("echo",)), {}, False, "a" * 40, variables)


def plan_for(
    spec: SandboxSpec, declared: dict[str, str], has_src: bool = False, commit: str = "a" * 40
) -> dependencies.InstallPlan:
    return dependencies.plan_install(BUBBLEWRAP, spec, declared, has_src, commit)


def commands_of(plan: dependencies.InstallPlan | None) -> tuple[str, ...]:
    """Return all commands on top of the base environment."""
    return (*commands_of(plan.parent), *plan.commands) if plan and plan.parent else ()


async def test_setup_makes_an_environment_for_later_commands(counting: Counting, cache: Path, tree: Path) -> None:
    plan = plan_of(
        f"echo 'VALUE = 42' > {SITE}/prepared.py", "test $(python -c 'import prepared; print(prepared.VALUE)') = 42"
    )
    environment = await EnvironmentCache(counting, cache).prepare(plan, tree, SandboxSpec())
    job = Job(("python", "-c", "import prepared, pytest, coverage; print(prepared.VALUE)"), tree, LIMITS)
    done = await counting.run(Job(**{**vars(job), "environment": environment}))
    assert done.output == "42\n"
    assert [job.setup for job in counting.jobs] == [True, False]


async def test_what_setup_makes_in_the_tree_is_in_every_later_tree(
    counting: Counting, bare_cache: Path, tree: Path
) -> None:
    (tree / "package").mkdir()
    plan = plan_of("echo '1.0' > package/_version.py", "echo changed > kept.txt", "mkdir egg && touch egg/info")
    environment = await EnvironmentCache(counting, bare_cache).prepare(plan, tree, SandboxSpec())
    done = await counting.run(
        Job(("/bin/sh", "-c", "cat package/_version.py kept.txt; ls egg"), tree, LIMITS, environment=environment)
    )
    assert done.output == "1.0\nas it was\ninfo\n"
    assert sorted(path.name for path in tree.iterdir()) == ["kept.txt", "package"]


async def test_a_failing_setup_is_told_with_its_command_and_log(
    counting: Counting, bare_cache: Path, tree: Path
) -> None:
    environments = EnvironmentCache(counting, bare_cache)
    plan = plan_of("echo fine", "echo no such package; exit 7", "echo never")
    with pytest.raises(FatalError) as raised:
        await environments.prepare(plan, tree, SandboxSpec())
    message = str(raised.value)
    assert "failed at `echo no such package; exit 7` (exit status 7)" in message
    assert "'sandbox.setup'" in message
    assert message.endswith("no such package")
    assert kept(bare_cache) == [dependencies.plan_base(BUBBLEWRAP).key]


async def test_the_end_of_a_long_log_and_a_known_cause_are_told(
    counting: Counting, bare_cache: Path, tree: Path
) -> None:
    long = "for i in $(seq 400); do echo checking for header number $i... yes; done; echo libfoo is broken >&2; exit 1"
    with pytest.raises(FatalError, match=r"correct the setting 'sandbox.setup'.*(?s:.*)libfoo is broken\Z"):
        await EnvironmentCache(counting, bare_cache).prepare(plan_of(long), tree, SandboxSpec())
    lacking = plan_of("no-such-tool --build")
    with pytest.raises(FatalError, match=r"\(exit status 127\): the program no-such-tool is missing; correct 'sandb"):
        await EnvironmentCache(counting, bare_cache).prepare(lacking, tree, SandboxSpec())


async def test_a_setup_that_takes_too_long_is_told_as_that(counting: Counting, tree: Path, bare_cache: Path) -> None:
    plan = plan_of("echo fine", "sleep 1000")
    with pytest.raises(FatalError, match=r"failed at `sleep 1000` \(timed out after 2 s\)"):
        await EnvironmentCache(counting, bare_cache).prepare(plan, tree, SandboxSpec(setup_timeout=2))


async def test_an_environment_is_made_once(counting: Counting, bare_cache: Path, tree: Path) -> None:
    plan = plan_of("echo made")
    made = await asyncio.gather(
        *(EnvironmentCache(counting, bare_cache).prepare(plan, tree, SandboxSpec()) for _ in range(3))
    )
    assert set(made) == {bare_cache / "environments" / plan.key / "env"}
    assert len(counting.jobs) == 1


async def test_half_an_environment_is_made_again(counting: Counting, cache: Path, tree: Path) -> None:
    plan = plan_of("echo made")
    partial = cache / "environments" / f"{plan.key}.partial"
    (partial / "lib").mkdir(parents=True)
    (partial / "left-over").touch()
    environment = await EnvironmentCache(counting, cache).prepare(plan, tree, SandboxSpec())
    assert not (environment / "left-over").exists()
    assert (environment / "bin" / "pytest").exists()
    assert not partial.exists()


async def test_cancelling_leaves_nothing_and_the_next_goes_on(counting: Counting, bare_cache: Path, tree: Path) -> None:
    plan = plan_of("sleep 1000")
    running = asyncio.ensure_future(EnvironmentCache(counting, bare_cache).prepare(plan, tree, SandboxSpec()))
    await counting.called.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert kept(bare_cache) == [dependencies.plan_base(BUBBLEWRAP).key]
    assert await EnvironmentCache(counting, bare_cache).prepare(plan_of("echo"), tree, SandboxSpec())


async def test_commands_of_the_repository_run_only_in_the_sandbox(
    counting: Counting, bare_cache: Path, tree: Path, tmp_path: Path
) -> None:
    plan = plan_of(f"echo escaped > {tmp_path}/escaped || true")
    await EnvironmentCache(counting, bare_cache).prepare(plan, tree, SandboxSpec())
    assert not (tmp_path / "escaped").exists()


async def test_a_repository_has_no_hand_in_the_base_environment(
    counting: Counting, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "TOOLS", ("./nowhere",))
    for name in ("venv.py", "pip.py", "ensurepip.py", "sitecustomize.py", "nowhere"):
        (tree / name).write_text("raise SystemExit('of the repository')\n")
    with pytest.raises(FatalError) as raised:
        await EnvironmentCache(counting, tmp_path / "new").prepare(
            dependencies.plan_base(BUBBLEWRAP), tree, SandboxSpec()
        )
    message = str(raised.value)
    assert "it failed at `pip install ./nowhere`" in message
    assert "package index" in message
    assert "of the repository" not in message


def test_the_key_is_that_of_the_content() -> None:
    plan = plan_of("echo")
    assert plan_of("echo").key == plan.key
    assert plan_of("echo ").key != plan.key
    assert plan_with("1").key == plan_with("1").key != plan_with("2").key != plan.key
    assert plan_for(SandboxSpec(setup=("echo",)), {}, commit="b" * 40).key != plan.key


def test_files_that_declare_dependencies() -> None:
    paths = ["setup.py", "src/setup.py", "requirements.txt", "requirements-dev.txt", "requirements/test.txt"]
    others = ["docs/requirements.txt", "requirements.md", "app.py"]
    assert dependencies.list_declaring_files(paths + others, SandboxSpec()) == ["setup.py", *paths[2:]]


@pytest.mark.parametrize(("lock", "tool"), [("uv.lock", "uv"), ("poetry.lock", "poetry")])
@pytest.mark.parametrize("has_src", [True, False])
def test_a_lock_decides(lock: str, tool: str, has_src: bool) -> None:
    assert dependencies.list_declaring_files([lock, "docs/uv.lock"], SandboxSpec()) == [lock]
    declared = {lock: "", "requirements.txt": "other", "pyproject.toml": STATIC}
    commands = commands_of(plan_for(SandboxSpec(), declared, has_src))
    assert commands[0].startswith(f"pip install {tool}")
    assert commands[1].startswith(f"{tool} export ")
    assert commands[2] == "pip install -r /tmp/locked.txt"
    assert commands[3:] == (("pip install --no-deps -e .",) if has_src else ())
    changed = plan_for(SandboxSpec(), {**declared, lock: "version = 2"}, has_src)
    assert changed.key != plan_for(SandboxSpec(), declared, has_src).key


def test_files_that_setup_names_count_as_well() -> None:
    paths = ["Makefile", "ci/install.sh", "ci/other.sh", "app.py"]
    spec = SandboxSpec(setup=("sh ./ci/install.sh --all", "make deps"))
    assert dependencies.list_declaring_files(paths, spec) == ["Makefile", "ci/install.sh"]


STATIC = '[project]\nname = "a"\ndependencies = ["one>=1", "two; python_version > \'3\'"]\n'


@pytest.mark.parametrize(
    ("declared", "has_src", "commands"),
    [
        ({}, False, ()),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, False, ()),
        ({"pyproject.toml": "not toml ["}, False, ()),
        ({"pyproject.toml": '[project]\nname = "a"\n'}, False, ()),
        ({"pyproject.toml": "project = 3\n"}, False, ()),
        ({"requirements.txt": "x"}, False, ("pip install -r requirements.txt",)),
        (
            {"pyproject.toml": STATIC},
            False,
            ("pip install -- 'one>=1' 'two; python_version > '\"'\"'3'\"'\"''",),
        ),
        (
            {"pyproject.toml": STATIC + '[project.optional-dependencies]\ntest = ["three"]\ndocs = ["four"]\n'},
            True,
            (
                "pip install -- 'one>=1' 'two; python_version > '\"'\"'3'\"'\"'' three",
                "pip install -e '.[test]'",
            ),
        ),
        (
            {"pyproject.toml": '[project]\nname = "a"\ndynamic = ["dependencies"]\n'},
            False,
            ("pip install -e .",),
        ),
        (
            {"pyproject.toml": '[dependency-groups]\ntest = ["three", {include-group = "x"}]\n'},
            False,
            ("pip install -- three",),
        ),
        ({"setup.py": "setup()"}, False, ("pip install -e .",)),
        (
            {"setup.py": "setup()", "requirements-dev.txt": "x"},
            False,
            ("pip install -r requirements-dev.txt",),
        ),
    ],
)
def test_dependencies_are_detected(declared: dict[str, str], has_src: bool, commands: tuple[str, ...]) -> None:
    assert commands_of(plan_for(SandboxSpec(), declared, has_src)) == commands


def test_the_users_setup_wins() -> None:
    plan = plan_for(SandboxSpec(setup=("make deps",)), {"requirements.txt": "x"}, has_src=True)
    assert plan.commands == ("make deps",)


async def test_an_environment_that_is_gone_is_made_again(counting: Counting, bare_cache: Path, tree: Path) -> None:
    environments = EnvironmentCache(counting, bare_cache)
    plan = plan_of("echo made")
    shutil.rmtree((await environments.prepare(plan, tree, SandboxSpec())).parent)
    assert (await environments.prepare(plan, tree, SandboxSpec())).exists()
    assert len(counting.jobs) == 2
