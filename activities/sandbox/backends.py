"""Which sandbox a node has: Docker where its engine answers, else bubblewrap, else none and a refusal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hydranet.errors import UsageError

if TYPE_CHECKING:
    from activities.sandbox.docker_engine import Engine
    from activities.sandbox.protocol import Sandbox
    from hydranet.settings import SandboxSettings

IMAGE_SOURCE = Path(__file__).parent / "image"
_logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_sandbox(settings: SandboxSettings, folder: Path) -> AsyncIterator[Sandbox]:
    """The sandbox that the settings choose, until the block is left; `folder` is for what lies on the host.

    Raises UsageError when this machine cannot make one.
    """
    engine = await asyncio.to_thread(_engine, settings)
    if engine is None:
        from activities.sandbox.bubblewrap import Bubblewrap

        yield _told(Bubblewrap())
        return
    from activities.sandbox.docker import Docker

    try:
        async with Docker(engine, settings, folder).open() as sandbox:
            yield _told(sandbox)
    finally:
        engine.close()


def check_sandbox(settings: SandboxSettings) -> None:
    """Make sure that this machine can make the sandbox that the settings choose; UsageError if it cannot."""
    engine = _engine(settings)
    if engine is not None:
        engine.close()


def _told(sandbox: Sandbox) -> Sandbox:
    _logger.info("Everything runs in %s.", sandbox.name)
    return sandbox


def _engine(settings: SandboxSettings) -> Engine | None:
    """The Docker Engine to use, None for bubblewrap, which works then."""
    from activities.sandbox.bubblewrap import check_bubblewrap as check_bubblewrap

    if settings.backend == "bubblewrap":
        check_bubblewrap()
        return None
    try:
        return _usable(settings)
    except UsageError as error:
        if settings.backend == "docker":
            raise
        check_bubblewrap()
        _logger.info("Docker is not used. %s", error)
        return None


def _usable(settings: SandboxSettings) -> Engine:
    """An engine that has the image and the runtime; UsageError says what is missing."""
    from docker.errors import DockerException

    from activities.sandbox.docker_engine import Engine

    try:
        engine = Engine.connect()
    except DockerException as error:
        raise UsageError(
            f"The Docker Engine does not answer ({str(error)[:150]}): start it, or set 'sandbox.backend' to bubblewrap."
        ) from None
    try:
        if engine.image(settings.image) is None:
            raise UsageError(
                f"Docker has no image {settings.image}: make it with `docker build --tag {settings.image} "
                f"{IMAGE_SOURCE}`, or name another in 'sandbox.image'."
            )
        if settings.runtime and settings.runtime not in engine.runtimes():
            raise UsageError(
                f"Docker has no runtime {settings.runtime!r}: register it with the engine, "
                "or correct 'sandbox.runtime'."
            )
    except BaseException:
        engine.close()
        raise
    return engine
