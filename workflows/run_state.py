"""The state of a run: its working time and its genealogy, as every view and every metric shows them."""

from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from hydranet.bounded_models import TESTS, Line
    from hydranet.budget import Usage
    from hydranet.contracts import FixRequest, Retrieval, RunResult, TestReport, WrittenTests
    from hydranet.genealogy import (
        DRAFTS,
        SUSPENSIONS,
        AttemptRecord,
        BranchRecord,
        Ending,
        Genealogy,
        PersonMessage,
        Reproduction,
        Suspension,
    )
    from hydranet.node_event import NodeEvent, add_event
    from hydranet.objection import OBJECTIONS, Objections
    from hydranet.person_wait import PersonWait
    from hydranet.policy.constitution import Decision, Effect
    from hydranet.question import ANSWERS, BehaviourAnswer, BehaviourQuestion, Comparison
    from hydranet.report.web_ui import render_details
    from hydranet.text.formatting import join_words
    from workflows.working_time import Clock

_PERSON = "person"
# The patch since which what waits for a person is a search attribute.
_INDEX_WAITS = "index-waits"

_VERDICT = SearchAttributeKey.for_keyword("HydraVerdict")
_BRANCHES = SearchAttributeKey.for_int("HydraBranches")
_REAPS = SearchAttributeKey.for_int("HydraReaps")
_REAPED = SearchAttributeKey.for_datetime("HydraReaped")
_WAITS = SearchAttributeKey.for_keyword("HydraWaits")
_CONVERGENCE = SearchAttributeKey.for_float("HydraHighestConvergence")


class RunState:
    """The clock and the genealogy; every change shows at once in the Web UI's *Current Details*."""

    def __init__(self, request: FixRequest) -> None:
        self.clock = Clock()
        self._state: Line = "starting"
        # What a person decided stands in the record, and no request may claim it.
        self._sent = tuple(decision for decision in request.decisions if decision.rule != _PERSON)
        self._asked = self._sent
        self.instruction = ""
        self.genealogy = Genealogy(
            run_id=workflow.info().workflow_id,
            repository_name=request.repository_name,
            title=request.title,
            issue_url=request.issue_url,
            model=request.model,
            threshold=request.convergence.threshold,
            budget=request.budget,
            decisions=self._sent,
            answers=request.answers,
        )

    def set_state(self, text: str) -> None:
        """Say what the run is doing."""
        self._state = text
        paused = self.clock.paused
        self._update(state=f"paused ({text})" if paused else text, paused=paused)

    def add_message(self, kind: str, sender: str, text: str = "") -> PersonMessage:
        """Note what a person told the run."""
        message = PersonMessage(kind=kind, sender=sender, text=text, after=self.clock.seconds)
        self._update(messages=(*self.genealogy.messages, message)[-20:])
        return message

    def add_node_event(self, event: NodeEvent) -> None:
        """Note that a node was lost, or is back."""
        noted = event.model_copy(update={"after": self.clock.seconds})
        self._update(nodes=add_event(self.genealogy.nodes, noted))

    def pause(self) -> None:
        """Stop the clock and say that the run is paused."""
        self.clock.stop("pause")
        self.set_state(self._state)

    def resume(self) -> None:
        """Let the clock go on, and say so."""
        self.clock.go_on("pause")
        self.set_state(self._state)

    def ask_person(self, wait: PersonWait) -> None:
        """Stop the clock while a person decides, show about what, and let the run be found by that."""
        self.clock.stop("person")
        self._update(waits=wait)
        if workflow.patched(_INDEX_WAITS):
            workflow.upsert_search_attributes([_WAITS.value_set(wait.subject.value)])

    def hear_person(self) -> None:
        """Let the clock go on once a person has decided."""
        self.clock.go_on("person")
        self._update(waits=None)
        if workflow.patched(_INDEX_WAITS):
            workflow.upsert_search_attributes([_WAITS.value_unset()])

    def set_base(self, commit: str) -> None:
        """Note the commit the run builds on."""
        self._update(base=commit)

    def add_decision(self, approved: bool, reason: str) -> None:
        """Note what a person decided about the operations that waited for it."""
        answer = {"effect": Effect.ALLOWED if approved else Effect.REFUSED, "rule": _PERSON, "reason": reason}
        asked = [decision for decision in self._asked if decision.effect is Effect.SUPERVISED] or self._asked
        answers = (decision.model_copy(update=answer) for decision in asked)
        self._update(decisions=(*self.genealogy.decisions, *answers)[-100:])

    def add_review(self, decisions: tuple[Decision, ...]) -> None:
        """Note what the constitution says of the fix that is about to be published."""
        # What a request says of the same rule may be wrong: only what it says word for word is not said again.
        review = tuple(decision for decision in decisions if decision not in self._sent)
        self._asked = (*review, *self._sent)
        if review:
            self._update(decisions=(*self.genealogy.decisions, *review)[-100:])

    def add_objections(self, objections: Objections, branch: int) -> None:
        """Note what the reviewer objects to in the fix of a branch."""
        if objections:
            own = (each.model_copy(update={"branch": branch}) for each in objections)
            self._update(objections=(*own, *self.genealogy.objections)[:OBJECTIONS])

    def find_decisions(self, effect: Effect) -> tuple[Decision, ...]:
        """Return the constitution's decisions of one effect about the fix that is about to be published."""
        return tuple(decision for decision in self._asked if decision.effect is effect)

    def set_environment(self, note: str) -> None:
        """Note in which sandbox the tests run."""
        self._update(environment=note)

    def add_flaky(self, report: TestReport) -> None:
        """Note the tests that both passed and failed on the same code."""
        if report.flaky:
            self._update(flaky=tuple(dict.fromkeys((*self.genealogy.flaky, *report.flaky)))[:TESTS])

    def add_test_notes(self, notes: tuple[Line, ...]) -> None:
        """Note what was cut, left out or tolerated in a test run."""
        if set(notes) - set(self.genealogy.test_notes):
            self._update(test_notes=tuple(dict.fromkeys((*self.genealogy.test_notes, *notes)))[:8])

    def set_written_tests(self, written: WrittenTests) -> None:
        """Note the tests that were written of what is expected, and the code of one that a model has drafted."""
        if self.genealogy.reproduction is not None and written.drafted:
            wish = written.tests[0].expectation
            code = "\n".join(filter(None, (wish.setup, wish.code)))
            self._update(
                written_tests=f"{written.file}, which a model drafted of the issue",
                reproduction=self.genealogy.reproduction.model_copy(update={"code": code}),
            )
        else:
            self._update(written_tests=f"{written.file}, of {join_words([test.source for test in written.tests])}")

    def set_reproduction(self, reproduction: Reproduction) -> None:
        """Note what a model has drafted."""
        self._update(reproduction=reproduction)

    def add_written_tests(self, written: WrittenTests) -> None:
        """Note tests that were written of answers, beside those that there are."""
        more = f"{written.file}, of {join_words([test.source for test in written.tests])}"
        self._update(written_tests="; ".join(filter(None, (self.genealogy.written_tests, more))))

    def set_comparison(self, comparison: Comparison | None, question: BehaviourQuestion | None = None) -> None:
        """Note how the candidates that pass were told apart, and what the tests leave open between them."""
        self._update(comparison=comparison, question=question)

    def add_answer(self, answer: BehaviourAnswer) -> None:
        """Note what a person said to a question."""
        self._update(answers=(*self.genealogy.answers, answer)[-ANSWERS:])

    def refuse_drafts(self, reasons: Sequence[str]) -> None:
        """Note why drafts are no reproduction."""
        known = self.genealogy.reproduction or Reproduction()
        self._update(reproduction=known.model_copy(update={"refused": (*known.refused, *reasons)[:DRAFTS]}))

    def set_target(self, baseline: TestReport) -> None:
        """Note the target, the tests that fail at the base, and the known failures beside it."""
        self._update(
            target_tests=baseline.failing,
            target_count=baseline.failing_count,
            known_failures=baseline.known,
            known_count=baseline.known_count,
        )
        self.add_flaky(baseline)
        self.add_test_notes(baseline.notes)

    def set_shown(self, retrieval: Retrieval) -> None:
        """Note which code the prompts show."""
        self._update(shown=retrieval.shown)

    def add_usage(self, usage: Usage) -> None:
        """Add what model calls cost."""
        self._update(usage=self.genealogy.usage + usage)

    def add_attempt(self, branch: BranchRecord, attempt: AttemptRecord) -> None:
        """Take an attempt into its branch's record."""
        attempt = attempt.model_copy(update={"after": self.clock.seconds})
        self.put_branch(branch.model_copy(update={"attempts": (*branch.attempts, attempt)}))
        self.add_usage(attempt.usage)
        _count("hydra_attempts", "Attempts by outcome.", "outcome", attempt.outcome.value)
        scores = workflow.metric_meter().create_histogram_float(
            "hydra_convergence", "Convergence scores of attempts, 0 to 1."
        )
        scores.record(attempt.score.value)

    def suspend_branch(self, branch: BranchRecord, reason: str) -> None:
        """Note that a branch is left for another, and why."""
        left = {"ending": Ending.SUSPENDED, "reason": reason, "ended": self.clock.seconds}
        self.put_branch(branch.model_copy(update=left))

    def resume_branch(self, branch: BranchRecord) -> None:
        """Note that a suspended branch is taken up again."""
        left = Suspension(began=branch.ended, ended=self.clock.seconds, reason=branch.reason)
        again = {"ending": Ending.RUNNING, "reason": "", "ended": 0.0}
        self.put_branch(branch.model_copy(update=again | {"suspensions": (*branch.suspensions, left)[-SUSPENSIONS:]}))

    def close_branch(self, branch: BranchRecord, ending: Ending, reason: str) -> None:
        """Note how a branch ended."""
        # One that was left and not taken up again ended when it was left.
        ended = branch.ended if branch.ending is Ending.SUSPENDED else self.clock.seconds
        closed = dict(branch) | {"ending": ending, "reason": reason, "ended": ended}
        self.put_branch(BranchRecord.model_validate(closed))
        _count("hydra_branches", "Branches by ending.", "ending", ending.value)

    def put_branch(self, record: BranchRecord) -> None:
        """Add or replace a branch, and index the counts when they changed."""
        before = self.genealogy
        others = [b for b in before.branches if b.number != record.number]
        branches = tuple(sorted([*others, record], key=lambda b: b.number))
        self._update(branches=branches)
        self._index(before)

    def end(self, result: RunResult) -> None:
        """Write the verdict."""
        self.clock.go_on("pause")
        self._update(
            verdict=result.verdict,
            reason=result.reason,
            published=result.published,
            seconds=self.clock.seconds,
            state=f"ended: {result.verdict}",
            paused=False,
            waits=None,
        )
        workflow.upsert_search_attributes([_VERDICT.value_set(result.verdict.value), _WAITS.value_unset()])
        _count("hydra_runs", "Runs by verdict.", "verdict", result.verdict.value)

    def _index(self, before: Genealogy) -> None:
        now = self.genealogy
        updates: list[SearchAttributeUpdate[Any]] = []
        if len(now.branches) != len(before.branches):
            updates.append(_BRANCHES.value_set(len(now.branches)))
        if now.reaps != before.reaps:
            updates += [_REAPS.value_set(now.reaps), _REAPED.value_set(workflow.now())]
        if now.highest_convergence > before.highest_convergence:
            updates.append(_CONVERGENCE.value_set(now.highest_convergence))
        if updates:
            workflow.upsert_search_attributes(updates)

    def _update(self, **changes: object) -> None:
        # Validated, so that what came from a model or a person is clipped to its bounds.
        self.genealogy = Genealogy.model_validate({**dict(self.genealogy), **changes})
        workflow.set_current_details(render_details(self.genealogy))


def count_reap(cause: str) -> None:
    """Count a reaped branch: it circled, it repeated a dead branch, or a person had it ended by hand."""
    _count("hydra_reaps", "Reaped branches by cause.", "cause", cause)


def _count(name: str, description: str, label: str, value: str) -> None:
    # Temporal's meter leaves out what a replay repeats.
    workflow.metric_meter().create_counter(name, description).add(1, {label: value})
