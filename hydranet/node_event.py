"""What a run has on record of the nodes that work for it: one that was lost, and one that is there again."""

from datetime import datetime
from enum import StrEnum

from hydranet.bounded_models import BoundedModel, Name
from hydranet.text.formatting import format_moment

EVENTS = 40
"""The most events of nodes on record, of which the last count."""


class NodeEventKind(StrEnum):
    """What became of a node; the names are those of the signals that tell a run."""

    LOST = "NODE_LOST"
    BACK = "NODE_BACK"


class NodeEvent(BoundedModel):
    """A node that is lost since a moment `at`, or is back from then on.

    `queue` is the task queue that it polled, and `others` how many hosts still poll it: without any, the run waits.
    The `node` is the name of its host, empty where none was ever known. The run noted it `after` so many seconds.
    """

    kind: NodeEventKind
    queue: Name
    node: Name = ""
    others: int = 0
    at: datetime
    after: float = 0.0

    def describe(self, now: datetime) -> str:
        """Return the event in one line, with times as a clock shows them where `now` is."""
        moment = format_moment(self.at, now)
        if self.kind is NodeEventKind.BACK:
            return f"{self.node or 'a worker'} polls {self.queue} since {moment}"
        if self.others:
            rest = "1 other host polls" if self.others == 1 else f"{self.others} other hosts poll"
            return f"{self.node} polls {self.queue} no more since {moment}: {rest} it"
        return describe_missing(self.queue, self.node, moment)

    def answers(self, other: "NodeEvent") -> bool:
        """Return whether this is the end of what `other` tells."""
        return self.queue == other.queue and self.kind is not other.kind and (not other.others or self._is_same(other))

    def repeats(self, other: "NodeEvent") -> bool:
        """Return whether `other` tells the same."""
        return self.queue == other.queue and self.kind is other.kind and self._is_same(other)

    def _is_same(self, other: "NodeEvent") -> bool:
        return self.node == other.node


def describe_missing(queue: str, node: str, moment: str) -> str:
    """Return the sentence about a queue that nobody polls, with the last node that did and when, where it is known."""
    since = f" since {moment}" if moment else ""
    return f"no worker polls {queue}{since}{f' (last: {node})' if node else ''}"


def add_event(events: tuple[NodeEvent, ...], event: NodeEvent) -> tuple[NodeEvent, ...]:
    """Return the events with one more; the same ones where a run knows it already, or never heard of the loss."""
    last = next((known for known in reversed(events) if known.repeats(event) or event.answers(known)), None)
    if last is None and event.kind is NodeEventKind.BACK:
        return events
    if last is not None and last.repeats(event):
        return events
    return (*events, event)[-EVENTS:]
