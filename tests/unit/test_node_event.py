"""What a run has on record of its nodes: what is told twice counts once, and each event is one line."""

from datetime import UTC, datetime, timedelta

import pytest

from hydranet.node_event import NodeEvent, NodeEventKind, add_event

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
AT = NOW.replace(hour=10, minute=31)


def lost(node: str = "gamma", others: int = 0, queue: str = "hydra-sandbox") -> NodeEvent:
    return NodeEvent(kind=NodeEventKind.LOST, queue=queue, node=node, others=others, at=AT)


def back(node: str = "gamma", queue: str = "hydra-sandbox") -> NodeEvent:
    return NodeEvent(kind=NodeEventKind.BACK, queue=queue, node=node, at=AT)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (lost(), "no worker polls hydra-sandbox since 10:31 (last: gamma)"),
        (lost(node=""), "no worker polls hydra-sandbox since 10:31"),
        (lost(others=1), "gamma polls hydra-sandbox no more since 10:31: 1 other host polls it"),
        (lost(others=2), "gamma polls hydra-sandbox no more since 10:31: 2 other hosts poll it"),
        (back(), "gamma polls hydra-sandbox since 10:31"),
        (
            back().model_copy(update={"at": AT - timedelta(days=1)}),
            "gamma polls hydra-sandbox since 2026-11-26 10:31",
        ),
    ],
)
def test_an_event_is_one_line(event: NodeEvent, sentence: str) -> None:
    assert event.describe(NOW) == sentence


@pytest.mark.parametrize(
    ("events", "kept"),
    [
        ([lost(), lost()], [0]),
        ([lost(), back(), back()], [0, 1]),
        ([lost(), back("delta")], [0, 1]),
        ([lost(), back(), lost()], [0, 1, 2]),
        ([back()], []),
        ([lost(others=1), back("delta")], [0]),
        ([lost(others=1), back("gamma")], [0, 1]),
        ([lost(), back(queue="hydra-inference")], [0]),
        ([lost(), lost(queue="hydra-inference"), back()], [0, 1, 2]),
    ],
)
def test_what_is_told_twice_or_answers_nothing_is_left_out(events: list[NodeEvent], kept: list[int]) -> None:
    record: tuple[NodeEvent, ...] = ()
    for event in events:
        record = add_event(record, event)
    assert record == tuple(events[number] for number in kept)


def test_the_last_events_are_kept() -> None:
    record: tuple[NodeEvent, ...] = ()
    for _ in range(100):
        record = add_event(add_event(record, lost()), back())
    assert len(record) == 40
    assert record[-1] == back()
