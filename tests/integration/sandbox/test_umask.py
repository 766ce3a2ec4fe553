"""Whatever the umask of whoever starts a worker, what it makes for a sandbox can be read there."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from activities.sandbox.protocol import Sandbox
from hydranet.contracts import PrepareRequest
from tests.integration.conftest import Make
from tests.sandboxes import BACKENDS, sandbox_of

FILES = {
    "shop/data/rate.txt": "0.1",
    "shop/price.py": "def discount(quantity):\n    return 0.1 if quantity > 10 else 0.0\n",
    "test_price.py": """
import installed
from pathlib import Path
from shop.price import discount


def test_installed_and_read():
    assert (installed.value, Path("shop/data/rate.txt").read_text()) == (1, "0.1")


def test_boundary():
    assert discount(10) == 0.1
""",
}


@pytest.fixture(params=["077", "027"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    umask = int(request.param, base=8)
    before = os.umask(umask)
    yield umask
    os.umask(before)


@pytest.fixture(params=BACKENDS)
async def sandbox(
    request: pytest.FixtureRequest, umask: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sandbox]:
    async with sandbox_of(request.param, tmp_path_factory.mktemp("sandbox"), warm=1) as opened:
        yield opened
    assert os.umask(umask) == umask, "the umask is its owner's again"


async def test_trees_environments_and_mounted_files_can_be_read(project: Make) -> None:
    folder = "$(python -c 'import site; print(site.getsitepackages()[0])')"
    made = await project(FILES, setup=(f"echo 'value = 1  # {uuid.uuid4()}' >{folder}/installed.py",))
    made.environment = await made.activities.prepare_environment(PrepareRequest(snapshot=made.snapshot, spec=made.spec))
    report = await made.test()
    assert (report.failing, report.passing_count) == (("test_price.py::test_boundary",), 1), report
    trial = await made.attempt(report.results, [await made.change("shop/price.py", ">", ">=")])
    assert trial.passing == 1, trial
