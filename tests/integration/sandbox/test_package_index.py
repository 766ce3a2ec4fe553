"""Setups install from the indexes that this machine's settings name, in both sandboxes, and from nowhere else."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from activities.sandbox import dependencies
from activities.sandbox.bubblewrap import Bubblewrap
from activities.sandbox.docker import Docker
from activities.sandbox.protocol import Job, Limits, Sandbox
from activities.sandbox.virtual_environments import EnvironmentCache
from hydranet.contracts import SandboxSpec
from hydranet.errors import FatalError
from tests.integration.conftest import CACHE, link_environment
from tests.integration.sandbox.stand_in_index import StandInIndex
from tests.sandboxes import BACKENDS, sandbox_of

LIMITS = Limits(seconds=30, memory_mb=512, processes=64, file_mb=16, disk_mb=32, output_kb=64)
UV = "pip install uv"
VALUE = ("python3", "-c", "import standin; print(standin.VALUE)")

Install = Callable[..., Awaitable[Path]]


# The settings are read in one place for all sandboxes: one of them each shows that Docker's network reaches the index.
WITH_DOCKER = {"PIP_INDEX_URL", "as pip"}


@pytest.fixture(params=BACKENDS)
async def sandbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    way = request.node.callspec.params.get("way")
    if request.param == "docker" and way and way not in WITH_DOCKER:
        pytest.skip("another setting shows it with Docker")
    async with sandbox_of(request.param, tmp_path_factory.mktemp("sandbox")) as opened:
        yield opened


@pytest.fixture
def install(sandbox: Sandbox, tree: Path, cache: Path) -> Install:
    """Runs set-up lines on top of the base environment, and returns the environment."""
    return partial(install_in, cache, sandbox, tree)


@pytest.fixture
def install_alone(sandbox: Sandbox, tree: Path, bare_cache: Path) -> Install:
    """The same on top of an empty environment, for lines that call no Python."""
    return partial(install_in, bare_cache, sandbox, tree)


@pytest.fixture
async def install_with_uv(install: Install, sandbox: Sandbox, tree: Path, cache: Path) -> Install:
    """The same where the first line, `pip install uv`, has been run before: uv comes from the machine's own index."""
    link_environment(await install_in(CACHE, sandbox, tree, UV), cache)
    return install


async def install_in(cache: Path, sandbox: Sandbox, tree: Path, *lines: str) -> Path:
    spec = SandboxSpec(setup=lines, setup_timeout=120)
    plan = dependencies.plan_install(sandbox, spec, {}, has_src=False, commit="a" * 40)
    return await EnvironmentCache(sandbox, cache).prepare(plan, tree, spec)


@pytest.fixture
def index() -> Iterator[StandInIndex]:
    with StandInIndex().serving() as index:
        yield index


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the settings of whoever runs the tests, so that only the stand-in is there."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


async def check_installed(sandbox: Sandbox, tree: Path, environment: Path, index: StandInIndex) -> None:
    done = await sandbox.run(Job(VALUE, tree, LIMITS, environment=environment))
    assert done.output == "42\n"
    assert "/files/hydranet_standin-1.0-py3-none-any.whl" in index.paths


def settings_of(way: str, index: StandInIndex, folder: Path, patch: pytest.MonkeyPatch) -> None:
    pip, link = folder / "home" / "pip" / "pip.conf", f"http://{index.netloc}/simple/hydranet-standin/"
    pip.parent.mkdir()
    if way == "PIP_INDEX_URL":
        patch.setenv("PIP_INDEX_URL", index.simple)
    elif way == "pip.conf":
        pip.write_text(f"[global]\nindex-url = {index.simple}\nproxy = http://127.0.0.1:1\n")
        # A proxy is not for this machine's own index.
        patch.setenv("NO_PROXY", "127.0.0.1")
    elif way == "find-links":
        pip.write_text(f"[install]\nno_index = true\nfind_links =\n    {link}\n")
    else:
        patch.setenv("PIP_CONFIG_FILE", str(folder / "chosen.conf"))
        (folder / "chosen.conf").write_text(f"[global]\nextra_index_url = {index.simple}\nindex-url = {index.simple}")


@pytest.mark.parametrize("way", ["PIP_INDEX_URL", "pip.conf", "find-links", "PIP_CONFIG_FILE"])
async def test_pip_installs_from_the_index_that_is_configured(
    install: Install,
    sandbox: Sandbox,
    tree: Path,
    index: StandInIndex,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    settings_of(way, index, tmp_path, monkeypatch)
    environment = await install("pip install hydranet-standin")
    await check_installed(sandbox, tree, environment, index)


@pytest.mark.parametrize("way", ["UV_DEFAULT_INDEX", "uv.toml", "as pip"])
async def test_uv_installs_from_the_index_that_is_configured(
    install_with_uv: Install,
    sandbox: Sandbox,
    tree: Path,
    index: StandInIndex,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    if way == "uv.toml":
        (tmp_path / "home" / "uv").mkdir()
        # Its own settings win over pip's.
        monkeypatch.setenv("PIP_INDEX_URL", "https://pypi.org/simple")
        (tmp_path / "home" / "uv" / "uv.toml").write_text(f'[[index]]\nurl = "{index.simple}"\ndefault = true\n')
    elif way == "as pip":
        monkeypatch.setenv("PIP_INDEX_URL", index.simple)
    else:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"mine={index.simple}")
        monkeypatch.setenv("PIP_INDEX_URL", "https://pypi.org/simple")
    environment = await install_with_uv(UV, "uv pip install --python /env/bin/python hydranet-standin")
    await check_installed(sandbox, tree, environment, index)


@pytest.mark.parametrize("way", ["npm_config_registry", ".npmrc", "scope"])
async def test_npm_installs_from_the_registry_that_is_configured(
    install_alone: Install,
    sandbox: Sandbox,
    index: StandInIndex,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    if isinstance(sandbox, Docker) or not shutil.which("npm"):
        pytest.skip("npm is not in the sandbox's image, or not on this machine")
    name = "@mine/standin@npm:standin" if way == "scope" else "standin"
    npmrc = tmp_path / "npmrc"
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(npmrc))
    monkeypatch.setenv("REGISTRY", index.registry)
    if way == "npm_config_registry":
        monkeypatch.setenv("npm_config_registry", index.registry)
    else:
        npmrc.write_text("registry=${REGISTRY}\n@mine:registry=" + index.registry + "\n")
    await install_alone(f"npm install {name} && test \"$(node -p 'require(`{name.partition('@npm')[0]}`)')\" = 42")
    assert "/files/standin-1.0.0.tgz" in index.paths


async def test_the_machines_own_indexes_are_reached(install: Install, sandbox: Sandbox) -> None:
    """The real ones, by pip and, where the sandbox has it, by npm."""
    npm = shutil.which("npm") and isinstance(sandbox, Bubblewrap)
    environment = await install("pip install six", *(["npm install left-pad && test -d node_modules"] if npm else []))
    assert list(environment.glob("lib/python3*/site-packages/six.py"))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
async def test_files_on_another_host_need_a_setting(
    request: pytest.FixtureRequest, install: Install, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    sandbox: Sandbox, address: str,
) -> None:  # fmt: skip
    with StandInIndex(address).serving() as files, StandInIndex(files=files.netloc).serving() as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.simple)
        monkeypatch.setenv("PIP_RETRIES", "0")
        with pytest.raises(FatalError) as raised:
            await install("pip install hydranet-standin")
        assert f"It asked for {files.netloc}, which is no package index" in str(raised.value)
        assert "'sandbox.package_hosts'" in str(raised.value)
        assert files.paths == []
        sandbox._package_hosts = (files.netloc,)  # type: ignore[attr-defined]
        await install("pip install hydranet-standin")
        assert files.paths == ["/files/hydranet_standin-1.0-py3-none-any.whl"]


@pytest.mark.parametrize("line", ["pip install --index-url {} hydranet-standin", "pip install -r requirements.txt"])
async def test_a_repository_chooses_no_index(
    install: Install, tree: Path, index: StandInIndex, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    (tree / "requirements.txt").write_text(f"--extra-index-url {index.simple}\nhydranet-standin\n")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(FatalError, match=f"It asked for {index.netloc}"):
        await install(line.format(index.simple))
    assert index.paths == []


async def test_credentials_for_publishing_stay_outside(
    install_alone: Install, index: StandInIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(tmp_path / "npmrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hidden@127.0.0.1:1")
    (tmp_path / "npmrc").write_text(
        f"@mine:registry={index.registry}\n//{index.netloc}/npm/:_authToken=needed\n"
        "//registry.npmjs.org/:_authToken=hidden\n_auth=hidden\nproxy=http://user:hidden@127.0.0.1:1\n"
    )
    (tmp_path / "home" / "pip").mkdir()
    (tmp_path / "home" / "pip" / "pip.conf").write_text("[global]\nproxy = http://user:hidden@127.0.0.1:1\ntimeout=5\n")
    environment = await install_alone("(env; cat ~/.npmrc ~/.config/pip/pip.conf) > /env/seen")
    seen = (environment / "seen").read_text()
    assert "hidden" not in seen
    assert "_authToken=needed" in seen
    assert "timeout = 5" in seen
