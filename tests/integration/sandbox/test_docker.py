"""What only Docker has: an engine that may be missing, containers made ahead, orphans."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from activities.sandbox.backends import check_sandbox, open_sandbox
from activities.sandbox.bubblewrap import Bubblewrap
from activities.sandbox.container import Container
from activities.sandbox.docker import Docker
from activities.sandbox.docker_engine import LABEL, ContainerSpec, DockerEngine, is_alive
from activities.sandbox.protocol import Job, Limits
from hydranet.errors import FatalError, UsageError
from hydranet.settings import SandboxSettings
from tests.sandboxes import list_containers, sandbox_of

LIMITS = Limits(seconds=30, memory_mb=512, processes=64, file_mb=16, disk_mb=32, output_kb=64)
SETTINGS = SandboxSettings(backend="docker")


@pytest.fixture
async def docker(tmp_path: Path) -> AsyncIterator[Docker]:
    """A sandbox that keeps one container ready."""
    async with sandbox_of("docker", tmp_path / "sandbox", warm=1) as sandbox:
        assert isinstance(sandbox, Docker)
        yield sandbox


@pytest.fixture
def engine(docker: Docker) -> DockerEngine:
    return docker._engine


def job(line: str, tree: Path, **changes: Any) -> Job:
    return Job(("/bin/sh", "-c", line), tree, replace(LIMITS, **changes))


async def wait_ended(worker: int, *, but: set[str] | None = None) -> None:
    """Wait until no container of a process lives, `but` for these."""
    deadline = time.monotonic() + 60
    while set(list_containers("docker", worker)) - (but or set()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def waiting(docker: Docker) -> set[str]:
    """The containers that wait, when all have been made."""
    await asyncio.gather(*docker._pool._filling)
    return {one.container.identifier for one in docker._pool._waiting}


async def test_a_job_takes_the_container_that_waits_and_another_takes_its_place(docker: Docker, tree: Path) -> None:
    await docker.run(job("true", tree))
    first = await waiting(docker)
    await wait_ended(os.getpid(), but=first)
    assert first == set(list_containers("docker", os.getpid()))
    done = await docker.run(job("cat kept.txt; echo changed > kept.txt; touch /tmp/left /dev/shm/left", tree))
    assert done.output == "as it was\n"
    second = await waiting(docker)
    assert len(second) == 1
    assert second.isdisjoint(first)
    done = await docker.run(job("cat kept.txt; ls /tmp /dev/shm", tree))
    assert done.output == "as it was\n/dev/shm:\n\n/tmp:\nhome\n"


async def test_a_container_that_died_while_it_waited_is_not_used(
    docker: Docker, engine: DockerEngine, tree: Path
) -> None:
    await docker.run(job("true", tree))
    (first,) = await waiting(docker)
    await engine.remove(first)
    assert (await docker.run(job("echo fine", tree))).output == "fine\n"


async def test_containers_wait_for_the_trees_that_were_used_last(docker: Docker, tmp_path: Path) -> None:
    for number in range(6):
        folder = tmp_path / str(number)
        folder.mkdir()
        await docker.run(job("true", folder))
        await waiting(docker)
    assert {one.kind.tree.name for one in docker._pool._waiting} == {"2", "3", "4", "5"}


async def test_a_start_that_is_cancelled_leaves_no_container(docker: Docker, engine: DockerEngine, tree: Path) -> None:
    spec = ContainerSpec(docker._image, tree, LIMITS, lifetime=600)
    for moment in range(20):
        starting = asyncio.ensure_future(Container.start(engine, spec))
        # At first while the engine makes it, at last while it is filled.
        await asyncio.sleep(0.004 * moment)
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await (await starting).remove()
    await wait_ended(os.getpid())


async def test_nothing_waits_after_the_end(tmp_path: Path, tree: Path) -> None:
    async with sandbox_of("docker", tmp_path / "sandbox", warm=2) as sandbox:
        assert isinstance(sandbox, Docker)
        await sandbox.run(job("true", tree))
        made = await waiting(sandbox)
        assert len(made) == 2
        assert made <= set(list_containers("docker", os.getpid()))
        owner = sandbox._engine.owner
    other = DockerEngine.connect()
    assert owner == other.owner
    # The engine may still be at a removal that had begun by itself.
    await wait_ended(os.getpid())
    assert made.isdisjoint(list_containers("docker", os.getpid()))
    other.close()
    assert list((tmp_path / "sandbox").iterdir()) == []


async def test_orphans_are_removed_by_owner_and_by_age(docker: Docker, engine: DockerEngine, tree: Path) -> None:
    making = ContainerSpec(docker._image, tree, LIMITS, lifetime=600)
    kept = await Container.start(engine, making)
    expired = await engine.create(replace(making, lifetime=-1))
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    owner = engine.owner
    machine, boot, _, started = owner.split("/")
    engine.owner = f"{machine}/{boot}/{process.pid}/{started}"
    dead = await engine.create(making)
    engine.owner = f"{machine}/00000000/{os.getpid()}/{started}"
    before_the_reboot = await engine.create(making)
    engine.owner = f"another/{boot}/1/1"
    elsewhere = await engine.create(making)
    engine.owner = owner
    # Any worker of this machine may have removed them by now.
    await engine.sweep()
    left = {container["Id"] for container in engine._client.containers(all=True, filters={"label": LABEL})}
    assert {kept.identifier, elsewhere} <= left
    assert left.isdisjoint({expired, dead, before_the_reboot})
    await engine.remove(elsewhere)
    await kept.remove()


async def test_waiting_containers_end_with_a_worker_that_is_killed(tmp_path: Path, tree: Path, docker: Docker) -> None:
    program = f"""
import asyncio
from pathlib import Path
from activities.sandbox.backends import open_sandbox
from activities.sandbox.protocol import Job, Limits
from hydranet.settings import SandboxSettings

async def main():
    async with open_sandbox(SandboxSettings(backend="docker", warm=1), Path({str(tmp_path)!r}, "worker")) as sandbox:
        await sandbox.run(Job(("true",), Path({str(tree)!r}), {LIMITS!r}))
        await asyncio.gather(*sandbox._pool._filling)
        print(sandbox._engine.owner, flush=True)
        await asyncio.sleep(1000)

asyncio.run(main())
"""
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    assert worker.stdout is not None
    owner = (await worker.stdout.readline()).decode().strip()
    assert list_containers("docker", worker.pid)
    worker.kill()
    await worker.wait()
    await worker.stdout.read()
    assert not is_alive(owner)
    await wait_ended(worker.pid)
    assert any((tmp_path / "worker").iterdir())
    async with open_sandbox(SETTINGS, tmp_path / "worker"):
        assert len(list((tmp_path / "worker").iterdir())) == 1


async def test_a_tree_that_does_not_fit_is_told_as_that(docker: Docker, tree: Path) -> None:
    (tree / "large").write_bytes(bytes(33 << 20))
    with pytest.raises(FatalError, match=r"does not fit .* 32 MB: raise the setting 'sandbox.file_mb'"):
        await docker.run(job("true", tree))


async def test_environments_of_another_image_are_other_environments(docker: Docker) -> None:
    assert docker.interpreter[0] == "docker"
    assert docker.interpreter != Bubblewrap.interpreter
    assert "Docker " in docker.name


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"image": "hydranet-no-such:1"}, r"no image hydranet-no-such:1: make it with `docker build"),
        ({"runtime": "runsc-of-nobody"}, r"no runtime 'runsc-of-nobody'.*'sandbox.runtime'"),
    ],
)
async def test_what_the_engine_lacks_is_named(docker: Docker, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        check_sandbox(SandboxSettings(backend="docker", **settings))


def test_without_an_engine_auto_takes_bubblewrap_and_says_so(tmp_path: Path) -> None:
    program = f"""
import asyncio, logging
from pathlib import Path
from activities.sandbox.backends import check_sandbox, open_sandbox
from hydranet.errors import UsageError
from hydranet.settings import SandboxSettings

async def main():
    async with open_sandbox(SandboxSettings(), Path({str(tmp_path)!r})) as sandbox:
        print(type(sandbox).__name__)

logging.basicConfig(level=logging.INFO)
asyncio.run(main())
try:
    check_sandbox(SandboxSettings(backend="docker"))
except UsageError as error:
    print(error)
"""
    own = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    done = subprocess.run([sys.executable, "-c", program], env=own, capture_output=True, text=True)
    assert "Docker is not used. The Docker Engine does not answer" in done.stderr
    assert "Everything runs in bubblewrap" in done.stderr
    taken, refused = done.stdout.splitlines()
    assert taken == "Bubblewrap"
    assert "set 'sandbox.backend' to bubblewrap" in refused


async def test_auto_takes_docker_when_it_answers(
    docker: Docker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        async with open_sandbox(SandboxSettings(), tmp_path / "auto") as sandbox:
            assert isinstance(sandbox, Docker)
    assert "Everything runs in Docker" in caplog.text
