"""Whatever arrives when, a branch waits, and ends when nothing is left to do."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.artifacts.store import hash_content
from hydranet.contracts import (
    BranchRequest,
    Checkpoint,
    Environment,
    ImplementAnswer,
    Investigation,
    Plan,
    PlanAnswer,
    ReflectAnswer,
    Retrieval,
    SandboxSpec,
    Snapshot,
)
from tests.workflows.simulation import Simulation
from tests.workflows.world import NOTHING, TARGET, failed, passed, strategy
from workflows.branch import BranchWorkflow

REQUEST = BranchRequest(
    run_id="fix-demo",
    number=1,
    strategy=strategy("one"),
    start=Checkpoint(commit="base"),
    start_failing=3,
    model="fake",
    repository_path="/repository",
    snapshot=Snapshot(commit="base", pack=NOTHING),
    environment=Environment(key="environment"),
    sandbox=SandboxSpec(),
    baseline=NOTHING,
    target=TARGET,
    issue=NOTHING,
    context=NOTHING,
    attempts=4,
)
CIRCLING = failed("x = 2")
TRIALS = st.sampled_from([CIRCLING, failed("y = call(3)", "t1", error="KeyError", file="b.py"), passed()])
EVENTS = "answer answer answer answer_although_cancelled breaks untaken pause resume override cancel".split()
# Where the environment is: on no host that is known, on the run's, or still to be prepared.
HOME = Environment(key="environment", queue="hydra-sandbox-c", host="c")
PLACES: list[dict[str, Any]] = [{}, {"environment": HOME}, {"environment": HOME, "prepared": False}]


class Server:
    """Answers the activities of a branch, the trials in order."""

    def __init__(self, trials: list[Any]) -> None:
        self.trials = trials
        self.hosts = itertools.cycle("cdde")

    def __call__(self, name: str) -> Any:
        return getattr(self, name)()

    def prepare_environment(self) -> Environment:
        host = next(self.hosts)
        return Environment(key="environment", queue=f"hydra-sandbox-{host}", host=host)

    def plan(self) -> PlanAnswer:
        return PlanAnswer(plan=Plan(summary="a plan"), investigate=("read_file a.py",))

    def investigate(self) -> Investigation:
        return Investigation()

    def implement(self) -> ImplementAnswer:
        return ImplementAnswer(candidates=hash_content(b"candidates", "application/json"), count=1)

    def try_candidates(self) -> Any:
        return self.trials.pop(0) if self.trials else CIRCLING

    def commit_checkpoint(self) -> Checkpoint:
        return Checkpoint(commit="c1", bundle=NOTHING)

    def reflect(self) -> ReflectAnswer:
        return ReflectAnswer(reflection="look elsewhere")

    def retrieve(self) -> Retrieval:
        return Retrieval(context=NOTHING)


def happen(branch: Simulation, event: str) -> list[Any]:
    """Return what arrives; nothing when it cannot happen now."""
    if event in ("pause", "resume", "override"):
        return [branch.signal(event, *(("Look at the parser.",) if event == "override" else ()))]
    if event == "cancel":
        return [branch.cancel()]
    for activity in branch.activities.values():
        if event == "breaks":
            return [branch.fail_activity(activity)]
        if event == "untaken":
            return [branch.leave_activity(activity)] if activity.patience and not activity.cancelled else []
        late = event == "answer_although_cancelled"
        return [branch.end_activity(activity) if activity.cancelled and not late else branch.answer(activity)]
    return []


@settings(max_examples=100, deadline=None)
@given(
    st.lists(TRIALS, max_size=4),
    st.lists(st.tuples(st.sampled_from(EVENTS), st.booleans()), max_size=40),
    st.sampled_from(PLACES),
)
def test_a_branch_waits_and_ends(trials: list[Any], events: list[tuple[str, bool]], place: dict[str, Any]) -> None:
    branch = Simulation(BranchWorkflow, REQUEST.model_copy(update=place), Server(trials))
    try:
        for event, together in events:
            if jobs := happen(branch, event):
                (branch.hold if together else branch.deliver)(*jobs)
        branch.deliver(branch.signal("resume"))
        for _ in range(200):
            branch.settle()
            if branch.ended:
                break
            jobs = happen(branch, "answer")
            if not jobs:
                assert branch.signalled[-1] == ("fix-demo", "reap"), "the branch waits for nothing that could come"
                jobs = [branch.cancel()]
            branch.deliver(*jobs)
        assert branch.ended
        assert branch.timers_started == 0
    finally:
        branch.close()


@pytest.mark.parametrize("paused", [False, True])
def test_a_cancel_that_comes_with_the_answer_to_a_report_ends_the_branch(paused: bool) -> None:
    """The answer swallows it, and nothing else would come to a branch that waits to be granted another attempt."""
    branch = Simulation(BranchWorkflow, REQUEST.model_copy(update={"granted": 2 if paused else 1}), Server([]))
    try:
        while ("fix-demo", "attempt_made") not in branch.signalled:
            branch.deliver(*happen(branch, "answer"))
        branch.deliver(*([branch.signal("pause")] if paused else []), branch.cancel())
        branch.settle()
        assert branch.ended == "cancel_workflow_execution"
    finally:
        branch.close()
