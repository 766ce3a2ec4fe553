"""The Docker backend: one container per job, started ahead where that is possible."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from activities.sandbox import package_index
from activities.sandbox.container import Container
from activities.sandbox.container_pool import IDLE_SECONDS, ContainerKind, ContainerPool, WarmContainer
from activities.sandbox.docker_engine import ContainerSpec, DockerEngine, choose_user, is_alive
from activities.sandbox.environment_variables import build_variables
from activities.sandbox.index_proxy import open_proxy
from activities.sandbox.mount_sources import check_sources
from activities.sandbox.protocol import HOME, PROXY_SOCKET, Execution, Job, locate_generated
from hydranet.errors import HydraError
from hydranet.settings import SandboxSettings

# In seconds: the longest wait, the longest timeout that a setting allows (an hour), and five minutes to spare.
_LIFETIME = IDLE_SECONDS + 3600.0 + 300.0
_SWEEP_SECONDS = 30.0


class Docker:
    """A sandbox that runs each job in a container of its own; files for containers lie below `folder`."""

    def __init__(self, engine: DockerEngine, settings: SandboxSettings, folder: Path) -> None:
        image = engine.find_image(settings.image)
        assert image is not None, settings.image
        runtime = f", runtime {settings.runtime}" if settings.runtime else ""
        self.name = f"Docker {engine.get_version()}, image {settings.image}{runtime}"
        self.interpreter: tuple[str, ...] = ("docker", image)
        self._engine = engine
        self._image = image
        self._runtime = settings.runtime
        self._package_hosts = settings.package_hosts
        self._folder = folder / engine.owner.replace("/", "-")
        self._pool = ContainerPool(self._start_warm, settings.warm)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Docker]:
        """Sweep orphaned and idle containers until the block is left, then end all of this worker's."""
        await asyncio.to_thread(_make_worker_folder, self._folder)
        await asyncio.to_thread(_remove_stale_folders, self._folder.parent)
        sweeping = asyncio.ensure_future(self._sweep())
        try:
            yield self
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
            await self._pool.close()
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def run(self, job: Job) -> Execution:
        """Run one command to its end; see `Sandbox`."""
        check_sources(job)
        if job.setup:
            return await self._run_setup(job)
        kind = ContainerKind.of(job)
        env = build_variables(job)
        warm = await self._pool.take(kind)
        try:
            if job.inputs is not None:
                await asyncio.to_thread(shutil.copytree, job.inputs, warm.folder / "inputs", dirs_exist_ok=True)
            if job.results is not None:
                # It may begin with what the command is to find there.
                await asyncio.to_thread(shutil.copyfile, job.results, warm.folder / "results")
            execution = await warm.container.run(job.command, env, job.limits)
            if job.results is not None:
                await asyncio.to_thread(shutil.copyfile, warm.folder / "results", job.results)
            return execution
        finally:
            await warm.remove()
            self._pool.refill(kind)

    async def _run_setup(self, job: Job) -> Execution:
        access = package_index.find_index_access(self._package_hosts)
        if job.environment is not None:
            for folder in (job.environment, locate_generated(job.environment)):
                os.chown(folder, *choose_user())
        async with open_proxy(access) as proxy:
            with tempfile.TemporaryDirectory(prefix="hydra-sandbox-", dir=self._folder) as scratch:
                # The home folder is on a tmpfs, so its files are written by the container itself.
                files = {path: text for path, text in access.files.items() if path.startswith(HOME)}
                mounted = {**self._user_files(), **_installer_files(access, Path(scratch)), PROXY_SOCKET: proxy.socket}
                spec = ContainerSpec(
                    image=self._image,
                    tree=job.tree,
                    limits=job.limits,
                    lifetime=_LIFETIME,
                    environment=job.environment,
                    writable=True,
                    inputs=job.inputs,
                    results=job.results,
                    files=mounted,
                    runtime=self._runtime,
                )
                if job.results is not None:
                    job.results.chmod(0o666)
                container = await Container.start(self._engine, spec)
                execution = await container.run(job.command, build_variables(job, access.env), job.limits, files)
                return replace(execution, refused_hosts=proxy.refused)

    async def _start_warm(self, kind: ContainerKind) -> WarmContainer:
        folder = await asyncio.to_thread(_make_container_folder, self._folder)
        spec = ContainerSpec(
            image=self._image,
            tree=kind.tree,
            limits=kind.limits,
            lifetime=_LIFETIME,
            environment=kind.environment,
            inputs=folder / "inputs",
            results=folder / "results",
            files=self._user_files(),
            runtime=self._runtime,
        )
        try:
            return WarmContainer(kind, await Container.start(self._engine, spec), folder, time.monotonic())
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _user_files(self) -> dict[str, Path]:
        return {f"/etc/{name}": self._folder / name for name in ("passwd", "group")}

    async def _sweep(self) -> None:
        while True:
            # An engine that does not answer now is asked again next time.
            with suppress(HydraError):
                await self._engine.sweep()
            await self._pool.remove_idle()
            await asyncio.sleep(_SWEEP_SECONDS)


def _make_container_folder(parent: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=parent))
    (folder / "inputs").mkdir()
    (folder / "results").touch()
    # The container's user need not be this process's.
    (folder / "results").chmod(0o666)
    return folder


def _installer_files(access: package_index.IndexAccess, scratch: Path) -> dict[str, Path]:
    sources = {path: Path(path) for path in access.folders}
    sources |= {f"/etc/{name}": path for name in package_index.CERTIFICATES if (path := Path("/etc", name)).exists()}
    if configuration := access.files.get("/etc/pip.conf"):
        sources["/etc/pip.conf"] = scratch / "pip.conf"
        sources["/etc/pip.conf"].write_text(configuration)
    return sources


def _make_worker_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    user, group = choose_user()
    # The image has no name for this user, and some tools fail without one.
    (folder / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\nsandbox:x:{user}:{group}::{HOME}:/bin/sh\n")
    (folder / "group").write_text(f"root:x:0:\nsandbox:x:{group}:\n")


def _remove_stale_folders(parent: Path) -> None:
    for folder in parent.iterdir():
        if not is_alive(folder.name.replace("-", "/")):
            shutil.rmtree(folder, ignore_errors=True)
