"""Whatever arrives when, a workflow waits, and ends when nothing is left to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hydranet.budget import Budget
from hydranet.contracts import (
    ArtifactRef,
    AttemptReport,
    BranchRequest,
    BranchResult,
    Checkpoint,
    CritiqueAnswer,
    Environment,
    Expectation,
    ExpectationKind,
    FixRequest,
    Judgement,
    Publication,
    RankAnswer,
    ReapRequest,
    ReproduceAnswer,
    Retrieval,
    Review,
    RunResult,
    Snapshot,
    StrategiesAnswer,
    Target,
    Wait,
    Waits,
    WrittenTest,
    WrittenTests,
)
from hydranet.convergence.score import Attempt
from hydranet.genealogy import AttemptRecord, Ending, Outcome, Verdict
from tests.workflows.environment import REQUEST
from tests.workflows.simulation import Child, Simulation
from tests.workflows.world import NOTHING, TARGET, patch, report, strategy
from workflows.fix_issue import FixIssueWorkflow

SECONDS = 60.0


class Server:
    """Answers the activities of a run: three rounds of two strategies each, then none that is new.

    Where it `drafts`, no test fails before those that a model has drafted.
    """

    def __init__(self, *, verifies: bool, drafts: bool) -> None:
        self.rounds = 0
        self.drafts = drafts
        self.drafted = False
        self.verifies = verifies
        self.tested = 0
        self.waits = Waits()

    def __call__(self, name: str) -> Any:
        return getattr(self, name, lambda: None)()

    def snapshot_repository(self) -> Snapshot:
        return Snapshot(commit="base", pack=NOTHING)

    def prepare_environment(self) -> Environment:
        return Environment(key="environment")

    def run_tests(self) -> Any:
        self.tested += 1
        if self.drafts and self.tested == 1:
            return report()
        return report(*TARGET) if self.tested == 1 or not self.verifies else report()

    def measure_waits(self) -> Waits:
        return self.waits

    def store_issue(self) -> ArtifactRef:
        return NOTHING

    def write_tests(self) -> WrittenTests:
        wishes = [Expectation(kind=ExpectationKind.RUNS, code="assert f()", source=f"draft {n}") for n in range(2)]
        tests = tuple(WrittenTest(name=f"test_{n}", expectation=wish) for n, wish in enumerate(wishes))
        # The issue has no example.
        diff = NOTHING if self.drafted else None
        return WrittenTests(diff=diff, file="test_new.py", tests=tests if self.drafted else (), drafted=self.drafted)

    def reproduce(self) -> ReproduceAnswer:
        self.drafted = True
        return ReproduceAnswer(drafts=tuple(test.expectation for test in self.write_tests().tests), draws=2)

    def judge_drafts(self) -> Judgement:
        return Judgement(kept=("test_0", "test_1"))

    def commit_checkpoint(self) -> Checkpoint:
        return Checkpoint(commit="c0")

    def measure_coverage(self) -> ArtifactRef:
        return NOTHING

    def choose_target(self) -> Target:
        return Target(failing=TARGET, failing_count=len(TARGET), results=NOTHING)

    def retrieve(self) -> Retrieval:
        return Retrieval(context=NOTHING)

    def propose_strategies(self) -> StrategiesAnswer:
        self.rounds += 1
        offered = [strategy(f"{self.rounds}{letter}") for letter in "ab"] if self.rounds <= 3 else []
        return StrategiesAnswer(strategies=tuple(offered))

    def rank_strategies(self) -> RankAnswer:
        return RankAnswer(order=())

    def review_fix(self) -> Review:
        return Review()

    def criticise(self) -> CritiqueAnswer:
        return CritiqueAnswer()

    def publish_fix(self) -> Publication:
        return Publication(branch="hydra/fix-it-breaks", commit="c1")


class Play:
    """A run to which events happen; one that cannot happen now is left out."""

    def __init__(self, *, verifies: bool = True, drafts: bool = False, **changes: Any) -> None:
        request = FixRequest.model_validate({**REQUEST.model_dump(), "budget": Budget(seconds=SECONDS), **changes})
        self.server = Server(verifies=verifies, drafts=drafts)
        self.run = Simulation(FixIssueWorkflow, request, self.server)
        self.attempts: dict[int, int] = {}
        self.passed: set[int] = set()

    def happen(self, event: str, together: bool) -> None:
        if self.run.ended:
            return
        jobs = getattr(self, event)()
        (self.run.hold if together else self.run.deliver)(*jobs) if jobs else None

    def prepare(self) -> None:
        """Answer all until the first branch is running."""
        while not self.run.children:
            self.run.deliver(*self.answer())
        self.run.deliver(*self.child_starts())

    def finish(self) -> RunResult:
        """Let everything that is open come to its end."""
        self.happen("resume", together=False)
        for _ in range(500):
            self.run.settle()
            if self.run.ended:
                break
            jobs = self.answer() or self.child_starts() or self.ends()
            if not jobs and "approval" in self.run.workflow.genealogy().state:
                jobs = self.approve()
            if jobs:
                self.run.deliver(*jobs)
            else:
                assert self.run.timers, "the run waits for nothing that could come"
                self.time()
        assert self.run.ended == "completed"
        result: RunResult = self.run.read_result(RunResult)
        return result

    def running(self) -> Iterator[Child]:
        return (child for child in self.run.children.values() if child.started and not child.ended)

    def answer(self) -> list[Any]:
        for activity in self.run.activities.values():
            return [self.run.end_activity(activity) if activity.cancelled else self.run.answer(activity)]
        return []

    def answer_although_cancelled(self) -> list[Any]:
        return [self.run.answer(activity) for activity in list(self.run.activities.values())[-1:]]

    def activity_breaks(self) -> list[Any]:
        return [self.run.fail_activity(activity) for activity in list(self.run.activities.values())[:1]]

    def child_breaks(self) -> list[Any]:
        return [self.run.fail_child(child) for child in list(self.running())[:1]]

    def child_starts(self) -> list[Any]:
        return [self.run.start_child(child) for child in self.run.children.values() if not child.started][:1]

    def fails(self) -> list[Any]:
        return self._report(Outcome.FAILED)

    def passes(self) -> list[Any]:
        return self._report(Outcome.PASSED)

    def ends(self) -> list[Any]:
        for child in self.running():
            if child.cancelled and child.seq not in self.passed:
                return [self.run.end_child(child, None)]
            passed = Checkpoint(commit="c1") if child.seq in self.passed else None
            ending = Ending.PASSED if passed else Ending.SPENT
            return [self.run.end_child(child, BranchResult(ending=ending, reason="It ended.", passed=passed))]
        return []

    def circles(self) -> list[Any]:
        for child in self.running():
            if child.seq not in self.passed:
                return [self.run.signal("reap", ReapRequest(branch=_number(child), evidence="It circles."))]
        return []

    def pause(self) -> list[Any]:
        return [self.run.signal("pause")]

    def resume(self) -> list[Any]:
        return [self.run.signal("resume")]

    def abort(self) -> list[Any]:
        return [self.run.signal("abort", "Enough.")]

    def cancel(self) -> list[Any]:
        return [self.run.cancel()]

    def override(self) -> list[Any]:
        return [self.run.signal("override", "Look at the parser.")]

    def interrupted(self) -> list[Any]:
        return [self.run.signal("interrupted", 20.0)]

    def instruct(self) -> list[Any]:
        return [self.run.update("override", "Look at the lexer.", "ann@host")]

    def reap(self) -> list[Any]:
        return [self.run.update("reap", 0, "", "ann@host")]

    def reap_second(self) -> list[Any]:
        return [self.run.update("reap", 2)]

    def approve(self) -> list[Any]:
        return [self.run.update("approve", "ann@host")]

    def reject(self) -> list[Any]:
        return [self.run.update("reject")]

    def measure(self) -> None:
        """Answer the question how long the run waited for parts of the stack."""
        (asked,) = [activity for activity in self.run.activities.values() if activity.name == "measure_waits"]
        self.run.deliver(self.run.answer(asked))

    def time(self) -> list[Any]:
        """Let the next timer fire."""
        if self.run.timers:
            self.run.advance((min(self.run.timers.values()) - self.run.now).total_seconds())
        return []

    def minute(self) -> list[Any]:
        self.run.advance(60)
        return []

    def _report(self, outcome: Outcome) -> list[Any]:
        for child in self.running():
            if child.seq not in self.passed:
                number = self.attempts[child.seq] = self.attempts.get(child.seq, 0) + 1
                if outcome is Outcome.PASSED:
                    self.passed.add(child.seq)
                    facts = Attempt(patch=patch("the fix"))
                else:
                    facts = Attempt(patch=patch(f"x = {number}"), failing_tests=TARGET, failing_count=3)
                record = AttemptRecord(number=number, outcome=outcome, facts=facts)
                return [self.run.signal("attempt_made", AttemptReport(branch=_number(child), record=record))]
        return []


MALFORMED = [
    *(("pause", (5,)), ("resume", ("me", "you", "they")), ("abort", (7,)), ("abort", ("a", "b", "c"))),
    *(("override", ()), ("override", (["a", "list"],)), ("interrupted", ()), ("interrupted", ("soon",))),
    *(("interrupted", (1e300,)), ("interrupted", (-5,)), ("reap", ()), ("reap", (1, 2)), ("reap", ("b01",))),
    *(("attempt_made", ()), ("attempt_made", ({"branch": 99, "record": {"number": 1, "outcome": "passed"}},))),
    ("unheard_of", ("x",)),
]


@pytest.mark.parametrize(("name", "arguments"), MALFORMED)
def test_a_signal_that_does_not_fit_stops_no_run(name: str, arguments: tuple[Any, ...]) -> None:
    with playing() as play:
        play.prepare()
        before = play.run.workflow.genealogy()
        play.run.deliver(play.run.signal(name, *arguments))
        assert play.run.workflow.genealogy() == before
        play.happen("passes", together=False)
        assert play.finish().verdict is Verdict.FIXED


def _number(child: Child) -> int:
    return int(child.id.rpartition("/b")[2][:2])


@contextlib.contextmanager
def playing(**changes: Any) -> Iterator[Play]:
    play = Play(**changes)
    try:
        yield play
    finally:
        play.run.close()


COMMON = (
    "answer answer child_starts fails passes ends circles time minute pause resume override instruct reap reap_second"
    " approve reject"
).split()
# Most of these end a run, so they come once: what follows is the end of it, in which things go on happening.
RARE = "abort cancel interrupted answer_although_cancelled activity_breaks child_breaks".split()
happenings = st.lists(st.tuples(st.sampled_from(COMMON), st.booleans()), max_size=30)
orders = st.builds(
    lambda before, rare, after: [*before, *rare, *after],
    happenings,
    st.lists(st.tuples(st.sampled_from(RARE), st.booleans()), max_size=2),
    happenings,
)


@settings(max_examples=150, deadline=None)
@given(orders, st.booleans(), st.integers(1, 2), st.booleans(), st.booleans())
@example([("passes", False), ("minute", False), ("ends", False)], True, 1, False, True)
def test_a_run_waits_and_ends(
    events: list[tuple[str, bool]], prepared: bool, parallel: int, approval: bool, verifies: bool
) -> None:
    with playing(parallel_branches=parallel, require_approval=approval, verifies=verifies) as play:
        if prepared:
            play.prepare()
        for event, together in events:
            play.happen(event, together)
        play.finish()
        genealogy = play.run.workflow.genealogy()
        assert genealogy.verdict in tuple(Verdict)
        assert Ending.RUNNING not in [branch.ending for branch in genealogy.branches]
        assert play.run.timers_started <= 10 + 2 * len(events)
        assert set(play.run.updates.values()) <= {"rejected", "completed"}


@settings(max_examples=60, deadline=None)
@given(orders, st.booleans())
@example([("answer", False)] * 12 + [("reject", False), *[("answer", False)] * 4, ("abort", False)], True)
def test_a_run_that_drafts_its_test_waits_and_ends(events: list[tuple[str, bool]], approval: bool) -> None:
    with playing(model="ollama:small", drafts=True, require_approval=approval) as play:
        for event, together in events:
            play.happen(event, together)
        result = play.finish()
        assert result.verdict in tuple(Verdict)
        assert not result.refused or result.verdict is Verdict.FAILED
        assert set(play.run.updates.values()) <= {"rejected", "completed"}


@pytest.mark.parametrize("together", [True, False])
def test_the_time_a_person_takes_to_approve_a_test_is_not_in_the_budget(together: bool) -> None:
    with playing(model="ollama:small", drafts=True, require_approval=True) as play:
        while "approval of the drafted test" not in play.run.workflow.genealogy().state:
            play.happen("answer", together=False)
        play.run.advance(86_400)
        play.happen("pause", together)
        play.happen("approve", together)
        play.run.advance(86_400)
        play.happen("resume", together=False)
        for _ in range(10):
            play.happen("answer", together=False)
        assert play.run.children, "the search begins"


@pytest.mark.parametrize("together", [True, False])
def test_an_attempt_that_passes_as_the_time_is_up_counts(together: bool) -> None:
    with playing() as play:
        play.prepare()
        play.happen("passes", together)
        play.happen("minute", together=False)
        assert play.finish().verdict is Verdict.FIXED


def test_a_pause_near_the_end_of_the_time_budget_starts_no_timers() -> None:
    with playing() as play:
        play.prepare()
        play.run.advance(SECONDS - 1)
        play.happen("pause", together=False)
        before = play.run.timers_started
        play.run.advance(86_400)
        assert play.run.timers_started == before
        play.happen("resume", together=False)
        play.run.advance(1)
        assert "time budget" in play.finish().reason


def test_a_time_budget_that_ran_out_while_nothing_ran_ends_no_run() -> None:
    with playing() as play:
        play.prepare()
        # The server fires the timer as it starts again, before a worker has polled; the signal follows.
        (timer,) = play.run.timers
        play.run.now += timedelta(hours=8)
        play.run.hold(play.run.signal("interrupted", 8 * 3600.0))
        play.run.deliver(play.run.fire(timer))
        assert "working" in play.run.workflow.genealogy().state
        play.run.advance(SECONDS)
        assert "time budget" in play.finish().reason


@pytest.mark.parametrize("answered", range(9))
def test_the_time_budget_holds_whatever_is_under_way(answered: int) -> None:
    with playing() as play:
        for _ in range(answered):
            play.happen("answer" if play.run.activities else "child_starts", together=False)
        play.run.advance(SECONDS)
        play.server.waits = Waits(failure="The model does not answer.")
        play.measure()
        while cancelled := [activity for activity in play.run.activities.values() if activity.cancelled]:
            play.run.deliver(play.run.end_activity(cancelled[0]))
        assert {activity.name for activity in play.run.activities.values()} <= {"record_genealogy"}
        assert all(child.cancelled for child in play.running())
        result = play.finish()
        assert result.verdict is Verdict.EXHAUSTED
        assert result.reason == (
            "The time budget is spent: 60 of 60 seconds. It was waiting: The model does not answer."
        )


def test_what_a_run_waited_for_the_stack_is_not_in_its_time_budget() -> None:
    with playing() as play:
        began = play.run.now
        play.run.advance(SECONDS)
        waits = [(10, 40), (30, 50)]  # of two branches at the same time: 40 seconds together
        times = [(began + timedelta(seconds=start), began + timedelta(seconds=end)) for start, end in waits]
        play.server.waits = Waits(waits=tuple(Wait(began=start, ended=end) for start, end in times))
        play.measure()
        play.run.advance(39)
        assert not any(activity.cancelled for activity in play.run.activities.values())
        play.run.advance(1)
        play.measure()
        assert all(activity.cancelled for activity in play.run.activities.values())
        assert "time budget" in play.finish().reason


def test_a_run_asks_ever_less_often_while_a_part_of_the_stack_is_away() -> None:
    with playing() as play:
        away = play.run.now + timedelta(seconds=SECONDS - 2)
        play.run.advance(SECONDS)
        while play.run.now < away + timedelta(days=1):
            play.server.waits = Waits(waits=(Wait(began=away, ended=play.run.now),), open=True)
            play.measure()
            while not any(activity.name == "measure_waits" for activity in play.run.activities.values()):
                play.happen("time", together=False)
        assert play.run.answered["measure_waits"] < 24 * 60 + 20
        play.server.waits = Waits(waits=(Wait(began=away, ended=play.run.now),))
        play.measure()
        play.run.advance(2)
        assert "time budget" in play.finish().reason


@pytest.mark.parametrize("stops", [("pause", "resume"), ("pause", "pause", "resume")])
def test_a_pause_while_a_person_decides_counts_once(stops: tuple[str, ...]) -> None:
    with playing(require_approval=True) as play:
        play.prepare()
        for event in ("passes", "ends", "answer", "answer", "answer"):
            play.happen(event, together=False)
        for event in stops:
            play.run.advance(600)
            play.happen(event, together=False)
        play.run.advance(600)
        assert play.run.timers == {}
        play.happen("reject", together=False)
        play.run.advance(SECONDS)
        assert "time budget" in play.finish().reason


def test_a_fix_whose_verification_does_not_end_is_given_up() -> None:
    with playing(sandbox={"test_timeout": 10}) as play:
        play.prepare()
        for event in ("passes", "ends"):
            play.happen(event, together=False)
        assert "verifying" in play.run.workflow.genealogy().state
        play.run.advance(SECONDS + 6 * 10 + 59)
        assert not any(activity.cancelled for activity in play.run.activities.values())
        play.run.advance(1)
        play.measure()
        assert all(activity.cancelled for activity in play.run.activities.values())
        assert play.finish().reason == (
            "The time budget is spent: 180 of 60 seconds. It was verifying b01 on a clean checkout."
        )


def test_a_cancel_while_a_run_is_being_aborted_still_puts_it_on_record() -> None:
    with playing() as play:
        play.prepare()
        for event in ("abort", "cancel"):
            play.happen(event, together=False)
        assert (play.finish().verdict, play.run.answered["record_genealogy"]) == (Verdict.ABORTED, 3)


def test_a_cancel_while_a_branch_is_being_started_ends_that_branch_too() -> None:
    with playing() as play:
        while not play.run.children:
            play.happen("answer", together=False)
        play.happen("cancel", together=False)
        play.happen("child_starts", together=False)
        (child,) = play.run.children.values()
        assert child.cancelled
        assert not play.run.ended, "the run waits until its branch has cleaned up"
        assert play.finish().verdict is Verdict.ABORTED
        assert [branch.ending for branch in play.run.workflow.genealogy().branches] == [Ending.CANCELLED]


def test_the_time_a_person_takes_to_approve_is_not_in_the_budget() -> None:
    with playing(require_approval=True) as play:
        play.prepare()
        for event in ("passes", "ends", "answer", "answer", "answer"):
            play.happen(event, together=False)
        assert "approval" in play.run.workflow.genealogy().state
        play.run.advance(86_400)
        play.happen("reject", together=False)
        assert [branch.ending for branch in play.run.workflow.genealogy().branches] == [Ending.REFUTED]
        for _ in range(10):
            play.happen("answer", together=False)
        assert len(play.run.children) == 2, "the search goes on"


@pytest.mark.parametrize(
    ("messages", "heard"),
    [
        (["pause"], ["pause"]),
        (["override"], ["override"]),
        (["pause", "resume"], ["pause", "resume"]),
        (["override", "pause"], ["override", "pause"]),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_what_is_said_while_a_branch_is_being_started_reaches_it(
    messages: list[str], heard: list[str], together: bool
) -> None:
    with playing() as play:
        while not play.run.children:
            play.happen("answer", together=False)
        for message in messages:
            play.happen(message, together)
        play.happen("child_starts", together=False)
        play.run.settle()
        (child,) = play.run.children.values()
        assert child.signals == heard


def test_what_was_said_before_a_branch_is_started_is_not_said_again() -> None:
    with playing() as play:
        for message in ("override", "pause", "resume"):
            play.happen(message, together=False)
        play.prepare()
        play.run.settle()
        (child,) = play.run.children.values()
        asked = child.request(BranchRequest)
        assert (child.signals, asked.instruction, asked.paused) == ([], "Look at the parser.", False)
