"""What the panels of the war room show of a run, whatever the run, its models and its tests say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.text import Text

from hydra_cli.cluster_status import NodeRow
from hydra_cli.war_room.pictures import CallPicture, draw_branches, draw_diff, draw_gauge, draw_head, draw_nodes
from hydra_cli.war_room.steps import describe_entry
from hydranet.contracts import GpuMeter, ModelMeter, NodeAnswer, NodeMeters, NodeReport
from hydranet.convergence.score import Attempt, Score
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome
from hydranet.live_call import LiveMessage, LivePart
from hydranet.strategy import Strategy
from tests.unit.report.story import ambiguous
from workers.nodes import NodeWorker

HOSTILE = "[bold]x[/] \x1b[2J\x9b1m \u202e\nb99 passed"


def run(*branches: BranchRecord, **changes: Any) -> Genealogy:
    facts = {"run_id": "fix-a", "repository_name": "shop", "title": "It breaks", "branches": branches}
    return Genealogy.model_validate({**facts, **changes})


def branch(number: int, ending: Ending, *scores: float, title: str = "Guard it") -> BranchRecord:
    attempts = tuple(
        AttemptRecord(number=place, outcome=Outcome.FAILED, score=Score(value=score), facts=Attempt(failing_count=2))
        for place, score in enumerate(scores, 1)
    )
    reason = "It circles." if ending is Ending.REAPED else ""
    strategy = Strategy(title=title)
    return BranchRecord(
        number=number, id=f"fix-a/b{number:02d}-x", strategy=strategy, attempts=attempts, ending=ending, reason=reason
    )


def is_safe(text: Text) -> bool:
    return not set(text.plain) & {"\x1b", "\x9b", "\u202e"} and not any(span.style == "link" for span in text.spans)


def has_style(text: Text, part: str, style: str) -> bool:
    start = text.plain.index(part)
    return any(span.start <= start < span.end and style in str(span.style) for span in text.spans)


@pytest.mark.parametrize(("value", "is_red"), [(0.0, False), (0.75, False), (0.76, True), (1.0, True)])
def test_a_gauge_turns_red_above_the_threshold(value: float, is_red: bool) -> None:
    gauge = draw_gauge(value, 0.75)
    assert (gauge.style == "bold red") is is_red
    assert len(gauge.plain.split()[0]) == 20
    assert gauge.plain.index("┃") == 15
    assert gauge.plain.count("█") in (round(value * 20), round(value * 20) - 1)


def test_the_branches_grow_with_a_gauge_each_and_old_ones_fold() -> None:
    genealogy = run(
        branch(1, Ending.REAPED, 0.0, 0.9), branch(2, Ending.SPENT, 0.1, 0.2), branch(3, Ending.RUNNING, 0.5)
    )
    text = draw_branches(genealogy)
    lines = text.plain.splitlines()
    assert sum("┃" in line for line in lines) == 3
    assert "b01 ✘ REAPED  Guard it" in lines
    assert has_style(text, "REAPED", "bold red")
    assert not any("0.90 2 failing" in line for line in lines), "the attempts of old branches are left out"
    assert any("0.20 2 failing" in line for line in lines)
    assert "    It circles." in lines
    assert "No branch has been started yet." in draw_branches(run()).plain


def test_the_head_says_what_is_spent() -> None:
    began = datetime.now(UTC) - timedelta(seconds=75)
    first, second = draw_head(run(branch(1, Ending.RUNNING, 0.1), state="working"), began).plain.splitlines()
    assert first == "fix-a  working"
    assert second.startswith("1 min 15 s, 1 attempt, 1 of ")


def test_the_head_of_an_ambiguous_run_says_how_many_fixes_there_are() -> None:
    head = draw_head(ambiguous())
    assert head.plain.startswith("fix-shop-1a2b3c4d  ambiguous (2 fixes the tests cannot tell apart): why it ended\n")
    assert has_style(head, "ambiguous", "bold yellow")


def worker(role: str, *, alive: bool, ended: bool = False) -> NodeWorker:
    heard = datetime.now(UTC) - timedelta(seconds=0 if alive else 9)
    return NodeWorker("k", f"{role}@gpu#1", role, "gpu", "1", f"hydra-{role}", heard, alive=alive, ended=ended)


def test_nodes_show_vram_containers_and_who_is_lost() -> None:
    disk = {"disk_free": 1, "disk_total": 2}
    inference = NodeMeters(
        **disk,
        models=(ModelMeter(model="ollama:coder", loaded=True, vram=5 * 2**30), ModelMeter(model="templates")),
        gpus=(GpuMeter(name="H100", used=6 * 2**30, total=80 * 2**30, load=97),),
    )
    rows = [
        NodeRow("inference", "gpu", "1", (worker("inference", alive=True),), answer(inference)),
        NodeRow("sandbox", "box", "2", (worker("sandbox", alive=True),), answer(NodeMeters(**disk, sandboxes=3))),
        NodeRow("sandbox", HOSTILE, "3", (worker("sandbox", alive=False),), answer(NodeMeters(**disk, sandboxes=1))),
        NodeRow("sandbox", "gone", "4", (worker("sandbox", alive=False, ended=True),)),
    ]
    text = draw_nodes(rows, "the supervisor does not ask the nodes")
    assert "VRAM 6.0 of 80.0 GiB, 97 %" in text.plain
    assert "ollama:coder loaded, VRAM 5.0 GiB" in text.plain
    assert "templates" not in text.plain
    assert "3 containers" in text.plain
    assert "LOST for 9" in text.plain
    assert has_style(text, "LOST", "red")
    assert "1 container" not in text.plain.splitlines()
    assert "gone" not in text.plain
    assert "does not ask" in text.plain
    assert is_safe(text)


def answer(meters: NodeMeters) -> NodeAnswer:
    return NodeAnswer(queue="q", report=NodeReport(meters=meters))


def test_nothing_that_others_wrote_is_obeyed() -> None:
    hostile = branch(1, Ending.REAPED, 0.9, title=HOSTILE).model_copy(update={"reason": HOSTILE})
    texts = [
        draw_head(run(state=HOSTILE)),
        draw_branches(run(hostile, title=HOSTILE, target_tests=(HOSTILE,), target_count=1)),
        draw_diff(f"+{HOSTILE}"),
    ]
    assert all(map(is_safe, texts))
    assert "b99 passed" not in texts[1].plain.splitlines(), "a line of theirs is no line of ours"
    picture = CallPicture()
    picture.add(message(1, HOSTILE, purpose=HOSTILE, model=HOSTILE))
    assert is_safe(picture.draw())
    assert "[bold]x[/]" in picture.draw().plain
    entry = {"time": "2026-11-27T10:00:00+00:00", "workflow": "fix-a", "call": "plan", "error": HOSTILE}
    step = describe_entry({**entry, "event": "failed"}, run())
    assert step is not None
    assert "\n" not in step.text


def message(number: int, text: str, call: str = "c1", **facts: Any) -> LiveMessage:
    parts = (LivePart(text=text),) if text else ()
    known = {"call": call, "number": number, "purpose": "plan", "parts": parts}
    return LiveMessage.model_validate({**known, **facts})


def test_the_call_that_was_heard_of_last_is_shown_and_only_its_end() -> None:
    picture = CallPicture()
    assert "No model" in picture.draw().plain
    picture.add(message(1, "\n\none "))
    picture.add(message(2, "two", pieces=40, seconds=2.0, branch=2, attempt=3, model="openai:http://gpu/v1#coder"))
    assert picture.draw().plain == "one two"
    assert picture.title == "b02/3 plan · coder · 40 tokens, 20/s"
    picture.add(message(3, "one two", whole=True))
    assert picture.draw().plain == "one two"
    picture.add(message(1, "other", call="c2", done=True))
    assert picture.draw().plain == "one two", "a call that ends takes no place"
    picture.add(message(4, "", done=True))
    assert " done" in picture.title
    picture.add(message(1, "next", call="c3", skipped=7))
    assert picture.draw().plain == "… next"
    for number in range(2, 2_000):
        picture.add(message(number, "word " * 10, call="c3"))
    assert len(picture.draw().plain) < 5_000


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("override", ["Mind the gap", "ann@laptop"], "override by ann@laptop: Mind the gap"),
        ("override", ["Mind the gap"], "override by an unknown sender: Mind the gap"),
        ("reap", [2, "", "ann@laptop"], "reap by ann@laptop: 2"),
        ("pause", [], "pause by an unknown sender"),
        ("answer", ["1", "", "ann@laptop"], "answer by ann@laptop: 1"),
        ("answer", ["value", "[1]", "ann@laptop"], "answer by ann@laptop: value [1]"),
    ],
)
def test_a_message_is_told_with_its_sender(name: str, arguments: list[Any], text: str) -> None:
    entry = {"time": "2026-11-27T10:00:00+00:00", "workflow": "fix-a", "event": "update", "update": name}
    step = describe_entry({**entry, "arguments": arguments}, run())
    assert step is not None
    assert step.text.split(" ", 1)[1] == text


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"event": "completed"},
        {"event": "completed", "call": "plan", "scheduled": "x"},
        {"event": "signal", "signal": "attempt_made", "arguments": [{"branch": "x"}]},
        {"event": "signal", "signal": "NODE_LOST", "arguments": []},
        {"event": "update"},
        {"event": "ended", "result": 7},
        {"event": "started", "request": [1]},
    ],
)
def test_an_entry_that_is_not_as_we_write_it_is_left_out_or_told(entry: dict[str, Any]) -> None:
    step = describe_entry({"time": "2026-11-27T10:00:00+00:00", "workflow": "fix-a", **entry}, run())
    assert step is None or step.text
