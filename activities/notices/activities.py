"""The activity that delivers a notice: to a target in this host's own settings, whatever the request says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from temporalio import activity

from activities.errors import translate_errors
from hydranet.contracts import NoticeRequest
from hydranet.errors import FatalError
from hydranet.notify_settings import NotifyTarget, name_target


class NoticeActivities:
    """Deliveries of this host; `load_targets` reads its settings as they are now."""

    def __init__(self, load_targets: Callable[[], Sequence[NotifyTarget]]) -> None:
        self._load_targets = load_targets

    @activity.defn
    @translate_errors
    async def deliver_notice(self, request: NoticeRequest) -> None:
        """Deliver a notice; transient until its target takes it, fatal where the settings know the target no more."""
        from activities.notices.delivery import deliver

        targets = {name_target(target): target for target in self._load_targets()}
        if request.target not in targets:
            raise FatalError(f"The settings of this host name no target {request.target}: correct 'notify'.")
        await deliver(targets[request.target], request.notice)
