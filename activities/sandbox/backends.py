"""The choice of a sandbox: Docker where its engine answers, else bubblewrap, else a refusal."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hydranet.errors import UsageError

if TYPE_CHECKING:
    from activities.sandbox.docker_engine import DockerEngine
    from activities.sandbox.protocol import Sandbox
    from hydranet.settings import SandboxSettings
from hydranet.text.escaping import format_command

IMAGE_SOURCE = Path(__file__).parent / "image"
_logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_sandbox(settings: SandboxSettings, folder: Path) -> AsyncIterator[Sandbox]:
    """Open the sandbox that the settings choose; files that containers share with the host lie below `folder`.

    Raises UsageError when this machine cannot make one.
    """
    engine = await asyncio.to_thread(_choose_engine, settings)
    with _share_new_files():
        if engine is None:
            from activities.sandbox.bubblewrap import Bubblewrap

            yield _log_choice(Bubblewrap(settings.package_hosts))
            return
        from activities.sandbox.docker import Docker

        try:
            async with Docker(engine, settings, folder).open() as sandbox:
                yield _log_choice(sandbox)
        finally:
            engine.close()


@contextmanager
def _share_new_files() -> Iterator[None]:
    # Another user reads them in a container, whoever started this process; the data folder keeps them from all others.
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def check_sandbox(settings: SandboxSettings) -> None:
    """Raise UsageError when this machine cannot make the sandbox that the settings choose."""
    engine = _choose_engine(settings)
    if engine is not None:
        engine.close()


def _log_choice(sandbox: Sandbox) -> Sandbox:
    _logger.info("Everything runs in %s.", sandbox.name)
    return sandbox


def _choose_engine(settings: SandboxSettings) -> DockerEngine | None:
    from activities.sandbox.bubblewrap import check_bubblewrap

    if settings.backend == "bubblewrap":
        check_bubblewrap()
        return None
    try:
        return _connect(settings)
    except UsageError as error:
        if settings.backend == "docker":
            raise
        check_bubblewrap()
        _logger.info("Docker is not used. %s", error)
        return None


def _connect(settings: SandboxSettings) -> DockerEngine:
    from docker.errors import DockerException

    from activities.sandbox.docker_engine import DockerEngine

    try:
        engine = DockerEngine.connect()
    except DockerException as error:
        raise UsageError(
            f"The Docker Engine does not answer ({str(error)[:150]}): start it, or set 'sandbox.backend' to bubblewrap."
        ) from None
    try:
        if engine.find_image(settings.image) is None:
            build = format_command("docker", "build", "--tag", settings.image, str(IMAGE_SOURCE))
            raise UsageError(
                f"Docker has no image {settings.image}: make it with `{build}`, or name another in 'sandbox.image'."
            )
        if settings.runtime and settings.runtime not in engine.list_runtimes():
            raise UsageError(
                f"Docker has no runtime {settings.runtime!r}: register it with the engine, "
                "or correct 'sandbox.runtime'."
            )
    except BaseException:
        engine.close()
        raise
    return engine
