"""Questions about what fixes do, and what a person's answers leave of the fixes."""

import ast
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contests.activities import ContestActivities
    from activities.retrieval.activities import RetrievalActivities
    from hydranet.contracts import (
        ArtifactRef,
        BranchResult,
        Checkpoint,
        CommitRequest,
        Expectation,
        ExpectationKind,
        FixRequest,
        OpenContest,
        Settlement,
        SettleRequest,
        WriteTestsRequest,
    )
    from hydranet.genealogy import BranchRecord
    from hydranet.person_wait import PersonWait, WaitKind, WaitSubject
    from hydranet.question import ANSWERS, Answers, BehaviourAnswer, BehaviourQuestion, CallResult
    from hydranet.strategy import Strategy
    from workflows import policies
    from workflows.advice import ModelAdvice
    from workflows.preparation import PreparedRun, run_tests
    from workflows.rivals import find_rivals
    from workflows.run_state import RunState

VALUE_CHARACTERS = 1_500


@dataclass(frozen=True)
class SettledFix:
    """The fix that answers leave of a branch's, if they do, and the question that is left open, if one is.

    The `outcome` is that of the branch, with what rivals of its fix have shown.
    """

    fix: Checkpoint | None
    outcome: BranchResult
    refuted: str = ""
    question: BehaviourQuestion | None = None


@dataclass(frozen=True)
class ContestSettler:
    """Finds the fix that a person's answers leave.

    `begin` says what begins, and `ask` waits for an answer. The `proposed` strategies may have rivals of a fix.
    """

    request: FixRequest
    state: RunState
    prepared: PreparedRun
    ask: Callable[[PersonWait], Awaitable[BehaviourAnswer]]
    begin: Callable[[str], Awaitable[None]]
    proposed: Sequence[Strategy] = ()

    async def settle(self, record: BranchRecord, outcome: BranchResult) -> SettledFix:
        """Return the fix of a branch that has passed, or of another that passes with it, by what is answered."""
        branch, genealogy = record.number, self.state.genealogy
        outcome = await find_rivals(self.request, genealogy, self.prepared, record, outcome, self.proposed, self.begin)
        self.state.set_comparison(outcome.comparison)
        contest, fix = outcome.contest, outcome.passed
        question = await self._have_voted(branch, contest.question) if contest else None
        while contest and question and self._may_ask:
            answer = await self.ask(self._make_wait(branch, question))
            if not answer.tells:
                break
            self.state.add_answer(answer)
            settlement = await settle_contest(contest.contest, self.state.genealogy.answers)
            if settlement.diff is None:
                return SettledFix(None, outcome, f"The answer refutes it: {answer.sentence}.")
            fix, outcome = await self._take(settlement, contest, outcome)
            question = await self._have_voted(branch, settlement.question)
        answers = self.state.genealogy.answers
        if contest and question and question.is_second_voted_for and len(answers) < ANSWERS:
            # Nobody has answered: it is published, and the question stays open.
            question = question.swap()
            vote = BehaviourAnswer(call=question.call, right=question.choices[0].result)
            settlement = await settle_contest(contest.contest, (*answers, vote))
            fix, outcome = await self._take(settlement, contest, outcome)
        if contest and question:
            outcome = outcome.model_copy(update={"contest": contest.model_copy(update={"question": question})})
        if fix is not None and self.state.genealogy.answers:
            fix = await self._add_tests(fix)
        return SettledFix(fix, outcome, question=question)

    async def _take(
        self, settlement: Settlement, contest: OpenContest, outcome: BranchResult
    ) -> tuple[Checkpoint, BranchResult]:
        """Commit the fix of a settlement, and return it with the outcome that it gives the branch."""
        fix = await self._commit(contest.parent, settlement.diff, settlement.title)
        return fix, outcome.model_copy(update={"reason": settlement.title})

    async def _have_voted(self, branch: int, question: BehaviourQuestion | None) -> BehaviourQuestion | None:
        """Return a question with the vote of a model, where there is one."""
        advice = ModelAdvice(self.request, self.state, self.prepared)
        if question is None or not advice.is_there or not workflow.patched("vote"):
            return question
        await self.begin("asking a model what is right")
        return question.model_copy(update={"vote": await advice.vote(branch, question)})

    @property
    def _may_ask(self) -> bool:
        """Whether one more question is allowed; what was answered to another run does not count."""
        return len(self.state.genealogy.answers) - len(self.request.answers) < self.request.questions

    def _make_wait(self, branch: int, question: BehaviourQuestion) -> PersonWait:
        return PersonWait(
            kind=WaitKind.ANSWER,
            subject=WaitSubject.BEHAVIOUR,
            since=workflow.now(),
            branch=branch,
            attempt=len(self.state.genealogy.branches[branch - 1].attempts),
            question=question,
        )

    async def _add_tests(self, fix: Checkpoint) -> Checkpoint:
        """Return the fix with tests of what was answered, as far as such tests can be written and pass."""
        expectations = tuple(filter(None, map(make_expectation, self.state.genealogy.answers)))
        if not expectations:
            return fix
        written = await workflow.execute_activity_method(
            RetrievalActivities.write_tests,
            WriteTestsRequest(
                snapshot=self.prepared.snapshot,
                checkpoint=self.prepared.base,
                repository_path=self.request.repository_path,
                title=f"{self.request.title} as answered",
                expectations=expectations,
                test_command=self.request.sandbox.test_command,
                folder=self.request.sandbox.folder,
            ),
            **policies.for_retrieval("write tests of the answers"),
        )
        tested = await self._commit(fix, written.diff, "Test what was answered")
        report = await run_tests(
            self.request,
            self.prepared.snapshot,
            tested,
            self.prepared.sandbox,
            "test what was answered",
            self.prepared.results,
        )
        if not report.passed:
            self.state.add_test_notes((f"No test of the answers was added, since it does not pass: {report.reason}",))
            return fix
        self.state.add_written_tests(written)
        return tested

    async def _commit(self, parent: Checkpoint, diff: ArtifactRef | None, message: str) -> Checkpoint:
        return await self.prepared.sandbox.commit(
            CommitRequest(snapshot=self.prepared.snapshot, parent=parent, diff=diff, message=message),
            "commit what was answered",
        )


async def settle_contest(contest: ArtifactRef, answers: Answers) -> Settlement:
    """Return which fix of a contest answers leave."""
    return await workflow.execute_activity_method(
        ContestActivities.settle_contest,
        SettleRequest(contest=contest, answers=answers),
        **policies.for_supervisor("settle which fix is right"),
    )


def read_answer(question: BehaviourQuestion, choice: str, value: str, sender: str) -> BehaviourAnswer:
    """Return an answer: 1 or 2 for what a fix does, `neither`, `value` for a Python literal, or `unknown`.

    Raises ValueError with a sentence for what is no answer.
    """
    unknown = BehaviourAnswer(call=question.call, before=question.before, sender=sender)
    if choice in ("1", "2"):
        return unknown.model_copy(update={"right": question.choices[int(choice) - 1].result})
    if choice == "neither":
        return unknown.model_copy(update={"wrong": tuple(fix.result.text for fix in question.choices)})
    if choice == "unknown":
        return unknown
    if choice != "value":
        raise ValueError("The answer is 1, 2, neither or unknown, or a value, as in --value 0.")
    if len(value) > VALUE_CHARACTERS:
        raise ValueError(f"The value has {len(value)} characters: give one of {VALUE_CHARACTERS} at most.")
    try:
        literal = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(f"The value is no Python literal: {value[:80]}. Write one, as in --value '[1, 2]'.") from None
    return unknown.model_copy(update={"right": CallResult(text=f"returns {literal!r}", code=repr(literal))})


def make_expectation(answer: BehaviourAnswer) -> Expectation | None:
    """Return what an answer expects of the code, None where no Python says it."""
    call, right = answer.call, answer.right
    if right is None or not call.code or not right.code:
        return None
    source = f"the answer of {answer.sender or 'a person'}"
    if right.check:
        line, _, check = right.check.partition("\n")
        setup = f"{call.setup}\n{line}"
        return Expectation(kind=ExpectationKind.HOLDS, code=check, setup=setup, source=source)
    is_error = right.raises
    return Expectation(
        kind=ExpectationKind.RAISES if is_error else ExpectationKind.HOLDS,
        code=call.code if is_error else f"{call.code} == {right.code}",
        exception=right.code if is_error else "",
        setup=call.setup,
        source=source,
    )
