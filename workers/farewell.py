"""Whether a stack that has nothing else to do has told people all there is: the end of its last run above all.

The stack imports this, and little else of what its workers do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError

from activities.private_file import write_private
from hydranet.errors import UsageError
from hydranet.names import NOTICE_WORKFLOW
from hydranet.notify_settings import NotifyTarget
from hydranet.settings import load_settings, locate_user_file
from workers.outages import CALL

OPEN_NOTICES = f"WorkflowType = '{NOTICE_WORKFLOW}' AND ExecutionStatus = 'Running'"

# So long does a stack that has nothing else to do stay for what is to be delivered.
_FAREWELL_SECONDS = 8.0

LoadTargets = Callable[[], Sequence[NotifyTarget]]


def load_targets() -> Sequence[NotifyTarget]:
    """Return the targets in the settings as they are now. Raises UsageError where these cannot be read."""
    try:
        status = locate_user_file().stat()
    except OSError:
        return _load_targets(())
    return _load_targets((status.st_mtime_ns, status.st_size, status.st_ino))


@lru_cache(maxsize=1)
def _load_targets(_: tuple[int, ...]) -> Sequence[NotifyTarget]:
    # Asked for every second, so the file is read when it has changed.
    return load_settings().notify


class LookMarker:
    """When a supervisor last looked at the runs for notices: in a file, which outlives it."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "notices-looked"

    def read(self) -> datetime | None:
        """Return when that look began, None before the first."""
        try:
            return datetime.fromisoformat(self._file.read_text()).astimezone(UTC)
        except (OSError, ValueError):
            return None

    def write(self, began: datetime) -> None:
        """Note a look that is done, by when it began."""
        write_private(self._file, began.isoformat())

    def remove(self) -> None:
        """Forget it: what happens meanwhile is not told later."""
        self._file.unlink(missing_ok=True)


class Farewell:
    """The last seconds of a stack that has nothing else to do: for the notices of runs that have just ended.

    What is not delivered by then is delivered when a stack is up next.
    """

    def __init__(self, client: Client, data_dir: Path, load_targets: LoadTargets = load_targets) -> None:
        self._client = client
        self._marker = LookMarker(data_dir)
        self._load_targets = load_targets
        self._since: datetime | None = None
        self._ends = 0.0

    def put_off(self) -> None:
        """Take the stack for one that has something to do."""
        self._since = None

    async def is_over(self, *, idle: bool) -> bool:
        """Return whether the stack may end, which is `idle` or not: since a moment that this remembers."""
        if not idle:
            self.put_off()
            return False
        if self._since is None:
            self._since, self._ends = datetime.now(UTC), time.monotonic() + _FAREWELL_SECONDS
        return time.monotonic() > self._ends or not self._has_targets() or await self._is_delivered(self._since)

    def _has_targets(self) -> bool:
        try:
            return bool(self._load_targets())
        except UsageError:
            return False

    async def _is_delivered(self, since: datetime) -> bool:
        looked = self._marker.read()
        if looked is None or looked < since:
            return False
        try:
            return (await self._client.count_workflows(OPEN_NOTICES, rpc_timeout=CALL)).count == 0
        except RPCError:
            return False
