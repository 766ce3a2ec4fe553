"""Contracts of notices: one notice to one target."""

from hydranet.bounded_models import BoundedModel, Name
from hydranet.notice import Notice


class NoticeRequest(BoundedModel):
    """Asks the host that polls `queue` to deliver a notice to the target of that name in its own settings.

    What is sent `once` is not tried again: somebody waits for the answer.
    """

    notice: Notice
    target: Name
    queue: Name
    once: bool = False
