"""Both sandboxes as the tests use them: Docker where its engine answers, and under HYDRA_REQUIRE_DOCKER always."""

import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import docker
import pytest

from activities.sandbox.backends import check_sandbox, open_sandbox
from activities.sandbox.protocol import Sandbox
from hydranet.errors import UsageError
from hydranet.settings import SandboxSettings

BACKENDS = ["bubblewrap", "docker"]


def require_docker() -> None:
    """Skip the test without an engine, unless Docker is required."""
    try:
        check_sandbox(SandboxSettings(backend="docker"))
    except UsageError as error:
        if not os.environ.get("HYDRA_REQUIRE_DOCKER"):
            pytest.skip(str(error))
        raise


@asynccontextmanager
async def sandbox_of(backend: str, folder: Path, warm: int = 0) -> AsyncIterator[Sandbox]:
    """A sandbox of that kind; without an engine the test is skipped unless Docker is required."""
    if backend == "docker":
        require_docker()
    async with open_sandbox(SandboxSettings(backend=backend, warm=warm), folder) as sandbox:
        yield sandbox


def list_containers(backend: str, worker: int) -> list[str]:
    """List the containers of a process that have not ended.

    An engine may take long to forget one that has.
    """
    if backend != "docker":
        return []
    with contextlib.closing(docker.APIClient(version="auto")) as client:
        containers = client.containers(all=True, filters={"name": f"-{worker}-", "status": ["created", "running"]})
    return [str(container["Id"]) for container in containers]
