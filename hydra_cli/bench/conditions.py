"""The conditions of a measurement: when, of which commit, on what machine and under what load."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

import hydranet
from activities.git.user_repository import UserRepository
from hydranet.errors import FatalError


class Conditions:
    """What figures depend on beside what is measured; to be made before the measurement begins."""

    def __init__(self) -> None:
        self._date = datetime.now(UTC).date().isoformat()
        self._load = os.getloadavg()[0]

    def describe(self) -> dict[str, Any]:
        """Return them for a file of results; `load` is the lower and the higher of that at the start and now."""
        return {
            "date": self._date,
            "commit": _commit(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "load": [round(load, 1) for load in sorted((self._load, os.getloadavg()[0]))],
        }


def _commit() -> str | None:
    """None where HydraNet is installed: a repository around it would be another project's."""
    root = Path(hydranet.__file__).parents[1]
    if not (root / ".git").exists():
        return None
    try:
        repository = UserRepository.find(root)
        return repository.resolve_head()[:7] + ("-dirty" if repository.is_dirty() else "")
    except FatalError:
        return None
