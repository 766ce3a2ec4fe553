"""The Docker backend: a container per job, made ahead where that is possible."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from activities.sandbox import installer
from activities.sandbox.container import Container
from activities.sandbox.docker_engine import ContainerSpec, Engine, choose_user, is_alive
from activities.sandbox.pool import IDLE_SECONDS, ContainerKind, Pool, Waiting
from activities.sandbox.protocol import ENVIRONMENT, HOME, Execution, Job, build_environment
from hydranet.errors import HydraError
from hydranet.settings import SandboxSettings

# A container may wait, and then work for the longest time that a setting allows.
_LIFETIME = IDLE_SECONDS + 3600.0 + 300.0
_SWEEP_SECONDS = 30.0


class Docker:
    """Runs each job in a container of its own; `folder` is where the host's side of containers lies."""

    def __init__(self, engine: Engine, settings: SandboxSettings, folder: Path) -> None:
        image = engine.image(settings.image)
        assert image is not None, settings.image
        runtime = f", runtime {settings.runtime}" if settings.runtime else ""
        self.name = f"Docker {engine.version()}, image {settings.image}{runtime}"
        self.interpreter: tuple[str, ...] = ("docker", image)
        self._engine = engine
        self._image = image
        self._runtime = settings.runtime
        self._folders = folder
        self._folder = folder / engine.owner.replace("/", "-")
        self._pool = Pool(self._prepared, settings.warm)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Docker]:
        """Keep house until the block is left: orphans and idle containers go, in the end all."""
        await asyncio.to_thread(_lay_foundation, self._folder)
        await asyncio.to_thread(_clear, self._folders)
        keeping = asyncio.ensure_future(self._keep())
        try:
            yield self
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            await self._pool.close()
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def run(self, job: Job) -> Execution:
        """Run one command to its end; see `Sandbox`."""
        if job.setup:
            return await self._set_up(job)
        kind = ContainerKind.of(job)
        env = build_environment(job.env, _programs(job))
        waiting = await self._pool.take(kind)
        try:
            if job.inputs is not None:
                await asyncio.to_thread(shutil.copytree, job.inputs, waiting.slot / "inputs", dirs_exist_ok=True)
            execution = await waiting.container.run(job.command, env, job.limits)
            if job.results is not None:
                await asyncio.to_thread(shutil.copyfile, waiting.slot / "results", job.results)
            return execution
        finally:
            await waiting.remove()
            self._pool.refill(kind)

    async def _set_up(self, job: Job) -> Execution:
        """A prepare step: the network is on, the environment is written to; nothing of it is made ahead."""
        access = installer.find_access()
        if job.environment is not None:
            os.chown(job.environment, *choose_user())
        with tempfile.TemporaryDirectory(prefix="hydra-sandbox-", dir=self._folder) as scratch:
            files = {path: text for path, text in access.files.items() if path.startswith(HOME)}
            making = ContainerSpec(
                image=self._image,
                tree=job.tree,
                limits=job.limits,
                lifetime=_LIFETIME,
                environment=job.environment,
                inputs=job.inputs,
                results=job.results,
                files={**self._etc(), **_accessible(access, Path(scratch))},
                network="host" if access.local else "bridge",
                runtime=self._runtime,
            )
            if job.results is not None:
                job.results.chmod(0o666)
            container = await Container.start(self._engine, making)
            return await container.run(
                job.command, build_environment({**access.env, **job.env}, _programs(job)), job.limits, files
            )

    async def _prepared(self, kind: ContainerKind) -> Waiting:
        slot = await asyncio.to_thread(_slot, self._folder)
        making = ContainerSpec(
            image=self._image,
            tree=kind.tree,
            limits=kind.limits,
            lifetime=_LIFETIME,
            environment=kind.environment,
            inputs=slot / "inputs",
            results=slot / "results",
            files=self._etc(),
            runtime=self._runtime,
        )
        try:
            return Waiting(kind, await Container.start(self._engine, making), slot, time.monotonic())
        except BaseException:
            shutil.rmtree(slot, ignore_errors=True)
            raise

    def _etc(self) -> dict[str, Path]:
        return {f"/etc/{name}": self._folder / name for name in ("passwd", "group")}

    async def _keep(self) -> None:
        while True:
            # An engine that does not answer now is asked again.
            with suppress(HydraError):
                await self._engine.sweep()
            await self._pool.reap()
            await asyncio.sleep(_SWEEP_SECONDS)


def _programs(job: Job) -> list[str]:
    return [f"{ENVIRONMENT}/bin"] if job.environment is not None else []


def _slot(folder: Path) -> Path:
    """The host's side of one container: a folder `inputs` and a file `results` that its user may write to."""
    slot = Path(tempfile.mkdtemp(dir=folder))
    (slot / "inputs").mkdir()
    (slot / "results").touch()
    (slot / "results").chmod(0o666)
    return slot


def _accessible(access: installer.IndexAccess, scratch: Path) -> dict[str, Path]:
    """Where the files of the host lie that an installer needs, by their places inside; the engine sees to names."""
    places = {path: Path(path) for path in access.folders}
    places |= {f"/etc/{name}": path for name in installer.CERTIFICATES if (path := Path("/etc", name)).exists()}
    if own := access.files.get("/etc/pip.conf"):
        places["/etc/pip.conf"] = scratch / "pip.conf"
        places["/etc/pip.conf"].write_text(own)
    return places


def _lay_foundation(folder: Path) -> None:
    """Make the folder of this worker, with a name for the user that has none in the image."""
    folder.mkdir(parents=True, exist_ok=True)
    user, group = choose_user()
    (folder / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\nsandbox:x:{user}:{group}::{HOME}:/bin/sh\n")
    (folder / "group").write_text(f"root:x:0:\nsandbox:x:{group}:\n")


def _clear(folders: Path) -> None:
    """Remove the folders of workers that are dead."""
    for folder in folders.iterdir():
        if not is_alive(folder.name.replace("-", "/")):
            shutil.rmtree(folder, ignore_errors=True)
