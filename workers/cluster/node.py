"""A worker's life as a node: it waits for node A, renews its certificate, and ends when it is shut out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from hydranet import settings
from hydranet.errors import UsageError
from hydranet.names import Role
from workers.cluster.joining import UnreachableError, check_in, renew
from workers.cluster.membership import MemberFolder, Membership, use_membership
from workers.temporal_profile import choose_server

_logger = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0
# A node that was revoked learns it within that time; its connections ended at once.
_CHECK_SECONDS = 60.0


class ClusterNode:
    """The node that this machine is; `renewed` says that its certificate is another than at the start."""

    def __init__(self, folder: MemberFolder, membership: Membership, stop: asyncio.Event) -> None:
        self._folder = folder
        self._membership = membership
        self._stop = stop
        self.renewed = False

    @classmethod
    async def find(cls, stop: asyncio.Event) -> ClusterNode | None:
        """Return the node, once node A has answered; None where this machine is none, or uses a server of its own.

        Raises UsageError where node A shuts it out.
        """
        chosen = settings.load_settings()
        folder = MemberFolder(chosen.data_dir)
        if folder.load() is None or choose_server(chosen.temporal).address:
            return None
        membership = use_membership(chosen.data_dir)
        assert membership is not None
        node = cls(folder, membership, stop)
        while not stop.is_set() and not await node._check():
            await node._pause(_RETRY_SECONDS)
        # What it has now is what the worker starts with.
        node.renewed = False
        return node

    def choose_roles(self, roles: Sequence[Role]) -> list[Role]:
        """Return the node's role. Raises UsageError where others are wanted."""
        own = Role(self._membership.role)
        if set(roles) - {own}:
            raise UsageError(
                f"This machine joined {self._membership.host} for {own} alone: start `hydra worker` without a role, or "
                "leave (`hydra cluster leave`) and join for another."
            )
        return [own]

    async def watch(self) -> None:
        """Return when the worker is to stop or has a new certificate. Raises UsageError where it is shut out."""
        while not self._stop.is_set():
            await self._pause(_CHECK_SECONDS)
            if await self._check() and self.renewed:
                return

    async def _check(self) -> bool:
        try:
            await check_in(self._folder, self._membership)
            self.renewed = await renew(self._folder, self._membership)
        except UnreachableError as error:
            _logger.warning("Waiting: %s", error)
            return False
        return True

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
