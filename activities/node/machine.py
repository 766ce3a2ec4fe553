"""The machine of a node: disk, clock, user namespaces, GPUs."""

from __future__ import annotations

import asyncio
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from activities.node.gpus import read_gpus
from activities.retention.caches import KINDS, measure
from hydranet.contracts import Check, GpuMeter, Level
from hydranet.text.formatting import format_size

# An environment of a large project has a few GB, an index of one too.
_WARN_BYTES, _FAIL_BYTES = 5 << 30, 1 << 30
_WARN_SKEW, _FAIL_SKEW = timedelta(seconds=2), timedelta(seconds=60)
_GPU_SECONDS = 4.0

# What keeps users from making namespaces: a file of the kernel, and the value that does.
_RESTRICTIONS = {
    "user/max_user_namespaces": "0",
    "kernel/unprivileged_userns_clone": "0",
    "kernel/apparmor_restrict_unprivileged_userns": "1",
}


def measure_disk(folder: Path) -> tuple[int, int]:
    """Return the free and the whole bytes of the disk below a folder that may not be there yet."""
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return usage.free, usage.total


def check_disk(folder: Path) -> Check:
    """Return whether the data folder has room."""
    free, total = measure_disk(folder)
    level = Level.FAIL if free < _FAIL_BYTES else Level.WARN if free < _WARN_BYTES else Level.OK
    text = f"{free / 2**30:.1f} of {total / 2**30:.0f} GB are free at {folder}"
    return Check(
        name="disk",
        level=level,
        text=text,
        remedy="" if level is Level.OK else "Free some, or choose another disk with HYDRA_DATA_DIR.",
    )


async def check_cache(folder: Path) -> Check:
    """Return what the cache in the data folder takes, which a sweep keeps small."""
    sizes = [
        f"{what} {format_size(await asyncio.to_thread(measure, folder / 'cache' / name))}"
        for name, what in KINDS.items()
    ]
    return Check(name="cache", level=Level.OK, text=f"{', '.join(sizes)} (`hydra clean` removes what is old)")


def check_clock(here: datetime, there: datetime) -> Check:
    """Return whether this machine's clock agrees with that of Temporal's server."""
    skew = abs(here - there)
    level = Level.FAIL if skew > _FAIL_SKEW else Level.WARN if skew > _WARN_SKEW else Level.OK
    seconds = (here - there).total_seconds()
    text = (
        "it agrees with that of Temporal's server"
        if level is Level.OK
        else f"it is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} that of Temporal's server"
    )
    remedy = "" if level is Level.OK else "Correct the clocks: certificates and time limits count by them (NTP)."
    return Check(name="clock", level=level, text=text, remedy=remedy)


def list_restrictions(kernel: Path = Path("/proc/sys")) -> list[str]:
    """Return the kernel's settings that keep a user from making namespaces; root is kept by the first alone."""
    return [
        name.replace("/", ".")
        for name, value in _RESTRICTIONS.items()
        if (file := kernel / name).exists()
        and file.read_text().strip() == value
        and (os.geteuid() != 0 or name.startswith("user/"))
    ]


def check_namespaces(works: bool) -> Check:
    """Return whether users may make namespaces here; a sandbox that `works` shows that they may."""
    restrictions = list_restrictions()
    if works or not restrictions:
        return Check(name="user namespaces", level=Level.OK, text="users may make them")
    names = ", ".join(restrictions)
    return Check(
        name="user namespaces",
        level=Level.WARN,
        text=f"this machine does not let its users make them ({names})",
        remedy=f"Allow them for bubblewrap and HydraNet's own Temporal server: sysctl {names}.",
    )


async def measure_gpus() -> list[GpuMeter]:
    """Return the GPUs that NVIDIA's driver knows; none where it does not answer."""
    try:
        gpus = await asyncio.wait_for(asyncio.to_thread(read_gpus), _GPU_SECONDS)
    except TimeoutError:
        return []
    return [GpuMeter(name=gpu.name[:200], used=gpu.used, total=gpu.total, load=gpu.load or 0) for gpu in gpus][:20]
