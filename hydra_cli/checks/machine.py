"""The checks of this machine, which need no server."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

from activities.node.inference import check_models, measure_models
from activities.node.machine import check_cache, check_disk, measure_gpus
from activities.node.sandbox import check_sandboxes
from hydra_cli.checks.placed import PlacedCheck, report
from hydranet.contracts import Level
from hydranet.settings import Settings
from workers.stack import name_build

HERE = "this machine"


async def check_machine(settings: Settings, *, works: bool) -> AsyncIterator[PlacedCheck]:
    """Yield what a machine needs that is typed at, and, where it also `works`, what the roles need."""
    yield report(HERE, "version", name_build())
    yield _check_git()
    yield _check_data_folder(settings)
    yield PlacedCheck(HERE, check_disk(settings.data_dir))
    if works:
        yield PlacedCheck(HERE, await check_cache(settings.data_dir))
        for check in await check_sandboxes(settings.sandbox):
            yield PlacedCheck(HERE, check)
        for check in check_models(await measure_models(settings), await measure_gpus()):
            yield PlacedCheck(HERE, check)


def _check_git() -> PlacedCheck:
    program = shutil.which("git")
    if program is None:
        return report(HERE, "git", "there is none", Level.FAIL, "Install git.")
    return report(HERE, "git", program)


def _check_data_folder(settings: Settings) -> PlacedCheck:
    folder = settings.data_dir
    name = "data folder"
    if not folder.exists():
        return report(HERE, name, f"{folder} is made when it is needed")
    status = folder.stat()
    if status.st_uid != os.geteuid() or not os.access(folder, os.W_OK):
        remedy = "Correct its owner and permissions, or choose another with HYDRA_DATA_DIR."
        return report(HERE, name, f"{folder} cannot be written, or is another user's", Level.FAIL, remedy)
    if status.st_mode & 0o077:
        return report(HERE, name, f"{folder} is open to other users", Level.WARN, f"Close it: chmod 700 {folder}")
    return report(HERE, name, str(folder))
