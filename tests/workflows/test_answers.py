"""Fixes that the tests cannot tell apart: what is asked, and what becomes of the answers."""

from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from activities.artifacts.store import hash_content
from hydranet.contest import Alternative, Contest, ContestedCall, make_contest
from hydranet.contracts import Checkpoint, OpenContest, Trial
from hydranet.genealogy import Ending, Outcome, Verdict
from hydranet.question import BehaviourAnswer, Call, CallResult, Comparison
from hydranet.strategy import TEMPLATES
from tests.workflows.conftest import Run, Start, eventually
from tests.workflows.world import NOTHING, World, failed, passed, report, strategy

ALIKE = "a (2 candidates pass, and behave alike in 3 calls)"


def contested(arguments: str, *values: int, is_passing: bool = False) -> ContestedCall:
    call = Call(file="a.py", unit="f", arguments=arguments, setup="from a import f", code=f"f({arguments})")
    results = (CallResult(text=f"returns {value}", code=str(value)) for value in values)
    return ContestedCall(
        call=call, before=CallResult(text="returns 9", code="9"), results=tuple(results), is_passing=is_passing
    )


def alternatives(*titles: str) -> list[Alternative]:
    return [Alternative(title=title, diff=f"diff of {title}") for title in titles]


TWO = make_contest(alternatives("a", "b"), [contested("1", 1, 2)])
THREE = make_contest(alternatives("a", "b", "c"), [contested("1", 1, 2, 1), contested("2", 5, 5, 6)])
ALONE = make_contest(alternatives("a"), [contested("3", 5, is_passing=True)])


def ambiguous(contest: Contest = TWO) -> Trial:
    """Return a trial whose best fix is the first of a contest."""
    question = contest.find_question(contest.list_left(()))
    comparison = Comparison(candidates=3, behaviours=len(contest.alternatives), calls=7)
    return passed("a").model_copy(update={"comparison": comparison, "contest": NOTHING, "question": question})


def world_of(contest: Contest = TWO, **more: Any) -> World:
    return World(rounds=[[strategy("one")]], trials={"one": [ambiguous(contest)]}, contest=contest, **more)


async def answer(run: Run, choice: str, value: str = "") -> str:
    await eventually(run, lambda genealogy: genealogy.waits)
    told: str = await run.handle.execute_update("answer", args=[choice, value, "ada@home"], result_type=str)
    return told


async def test_a_run_that_asks_nobody_publishes_the_likeliest_fix_with_the_question(start: Start) -> None:
    run = await start(world_of())
    result = await run.result()
    assert result.verdict is Verdict.AMBIGUOUS
    assert result.published
    assert result.contest is not None
    assert result.contest.question.text == "What is right for f(1): that it returns 1, or that it returns 2?"
    genealogy = await run.genealogy()
    assert genealogy.comparison is not None
    assert genealogy.question == result.contest.question
    assert [branch.ending for branch in genealogy.branches] == [Ending.PASSED]
    message = run.world.requested("publish_fix")[0].message
    assert "3 candidates passed all tests, and behave in 2 ways in 7 calls." in message
    assert f"`hydra answer {run.handle.id} 1`" in message


@pytest.mark.parametrize(
    ("choice", "value", "title", "test"),
    [("1", "", "a", "f(1) == 1"), ("2", "", "b", "f(1) == 2"), ("value", " 2 ", "b", "f(1) == 2")],
)
async def test_an_answer_chooses_the_fix_and_becomes_a_test(
    start: Start, choice: str, value: str, title: str, test: str
) -> None:
    run = await start(world_of(), questions=8)
    assert (await answer(run, choice, value)).startswith("Taken: f(1) returns ")
    result = await run.result()
    assert result.verdict is Verdict.FIXED
    messages = (title, "Test what was answered")
    fix, tests = (request for request in run.world.requested("commit_checkpoint") if request.message in messages)
    assert fix.diff == hash_content(f"diff of {title}".encode(), "text/x-diff")
    assert tests.parent.commit == f"c-{fix.diff.sha256[:10]}"
    (written,) = run.world.requested("write_tests")
    assert [expectation.code for expectation in written.expectations] == [test]
    assert written.expectations[0].setup == "from a import f"
    assert result.commit == f"c-{tests.diff.sha256[:10]}"
    genealogy = await run.genealogy()
    assert genealogy.question is None
    assert f": {title}. It passes a test" in result.reason
    assert "the answer of ada@home" in genealogy.written_tests
    assert "Answered by ada@home: f(1) returns" in run.world.requested("publish_fix")[0].message


async def test_an_answer_about_an_argument_becomes_a_test_of_it(start: Start) -> None:
    first, second = (
        CallResult(
            text=f"returns None; items becomes [{value}]",
            code="None",
            changes=f"items becomes [{value}]",
            check=f"items = []\n(f(items), items) == (None, [{value}])",
        )
        for value in (1, 2)
    )
    call = Call(file="a.py", unit="f", arguments="items=[]", setup="from a import f", code="f([])")
    either = ContestedCall(call=call, before=CallResult(text="returns None", code="None"), results=(first, second))
    run = await start(world_of(make_contest(alternatives("a", "b"), [either])), questions=8)
    await answer(run, "2")
    assert (await run.result()).verdict is Verdict.FIXED
    (written,) = run.world.requested("write_tests")
    (expectation,) = written.expectations
    assert expectation.code == "(f(items), items) == (None, [2])"
    assert expectation.setup == "from a import f\nitems = []"


@pytest.mark.parametrize(("votes", "title"), [(0, "a"), (1, "a"), (2, "b")])
async def test_the_fix_that_a_model_votes_for_is_published_while_nobody_answers(
    start: Start, votes: int, title: str
) -> None:
    run = await start(world_of(votes=votes, tokens=10), model="some")
    result = await run.result()
    assert result.verdict is Verdict.AMBIGUOUS
    assert result.contest is not None
    question = result.contest.question
    assert question.choices[0].title == title
    assert question.vote is not None
    assert question.vote.right == min(votes, 1)
    # The world's trial has committed the likeliest fix itself.
    commits = [request.message for request in run.world.requested("commit_checkpoint")]
    assert (commits[-1] == "b") == (votes == 2)
    (request,) = run.world.requested("vote")
    assert (request.work.model, request.question.choices[0].title) == ("some", "a")
    message = run.world.requested("publish_fix")[0].message
    assert ("some takes 1 for right: It says so." if votes else "some does not keep to one") in message


@pytest.mark.parametrize(("larger", "voters"), [("big", ["big"]), ("", [])])
async def test_a_larger_model_votes_and_templates_have_no_vote(start: Start, larger: str, voters: list[str]) -> None:
    run = await start(world_of(votes=1), model=TEMPLATES, supervisor_model=larger)
    await run.result()
    assert [request.work.model for request in run.world.requested("vote")] == voters


async def test_a_person_reads_the_vote_and_decides(start: Start) -> None:
    run = await start(world_of(votes=2), model="some", questions=8)
    await eventually(run, lambda genealogy: genealogy.waits)
    waits = (await run.genealogy()).waits
    assert waits is not None
    assert waits.question is not None
    assert waits.question.vote is not None
    assert [choice.title for choice in waits.question.choices] == ["a", "b"]
    assert waits.question.vote.sentence == "some takes 2 for right: It says so."
    await answer(run, "1")
    result = await run.result()
    assert (result.verdict, result.contest) == (Verdict.FIXED, None)
    assert ": a. It passes a test" in result.reason


async def test_a_test_that_does_not_pass_is_left_out(start: Start) -> None:
    run = await start(world_of(verifications=[report("new0")]), questions=8)
    await answer(run, "1")
    result = await run.result()
    assert result.verdict is Verdict.FIXED
    assert result.commit == f"c-{hash_content(b'diff of a', 'text/x-diff').sha256[:10]}"
    assert any("No test of the answers was added" in note for note in (await run.genealogy()).test_notes)


async def test_the_next_question_is_about_what_the_answer_leaves(start: Start) -> None:
    run = await start(world_of(THREE), questions=8)
    await answer(run, "1")
    await eventually(run, lambda genealogy: genealogy.waits and len(genealogy.answers) == 1)
    waits = (await run.genealogy()).waits
    assert waits is not None
    assert waits.question is not None
    assert waits.question.call.arguments == "2"
    await answer(run, "2")
    assert (await run.result()).verdict is Verdict.FIXED
    assert [a.sentence for a in (await run.genealogy()).answers] == ["f(1) returns 1", "f(2) returns 6"]


@pytest.mark.parametrize(
    ("choice", "endings"), [("1", [Ending.PASSED]), ("2", [Ending.REFUTED, Ending.PASSED])], ids=["right", "wrong"]
)
async def test_a_fix_without_a_rival_is_asked_about_where_it_changes_what_no_test_checks(
    start: Start, choice: str, endings: list[Ending]
) -> None:
    world = World(
        rounds=[[strategy("one"), strategy("two")]],
        trials={"one": [ambiguous(ALONE)], "two": [passed("b")]},
        contest=ALONE,
    )
    run = await start(world, questions=8)
    await eventually(run, lambda genealogy: genealogy.waits)
    waits = (await run.genealogy()).waits
    assert waits is not None
    assert waits.question is not None
    assert waits.question.text == "Is it right that f(3) now returns 5, and returns 9 no more?"
    await answer(run, choice)
    assert (await run.result()).verdict is Verdict.FIXED
    assert [branch.ending for branch in (await run.genealogy()).branches] == endings
    assert [request.expectations[0].code for request in world.requested("write_tests")] == [
        "f(3) == 5" if choice == "1" else "f(3) == 9"
    ]


async def test_who_does_not_know_gets_the_likeliest_fix_and_the_question(start: Start) -> None:
    run = await start(world_of(), questions=8)
    assert await answer(run, "unknown") == "Taken: f(1) is not known."
    assert (await run.result()).verdict is Verdict.AMBIGUOUS
    assert (await run.genealogy()).question is not None


async def test_no_more_is_asked_than_the_request_lets(start: Start) -> None:
    run = await start(world_of(THREE), questions=1)
    await answer(run, "1")
    assert (await run.result()).verdict is Verdict.AMBIGUOUS
    assert len((await run.genealogy()).answers) == 1


async def test_the_questions_of_a_run_are_counted_over_its_branches(start: Start) -> None:
    world = World(
        rounds=[[strategy("one"), strategy("two")]],
        trials={"one": [ambiguous()], "two": [ambiguous()]},
        contest=TWO,
    )
    run = await start(world, questions=1)
    await answer(run, "neither")
    result = await run.result()
    assert result.verdict is Verdict.AMBIGUOUS
    assert [branch.ending for branch in (await run.genealogy()).branches] == [Ending.REFUTED, Ending.PASSED]


async def test_what_is_no_answer_is_refused_and_the_question_stays(start: Start) -> None:
    run = await start(world_of(), questions=8)
    for choice, value, sentence in (
        ("3", "", "The answer is 1, 2, neither or unknown"),
        ("value", "open('x')", "is no Python literal"),
        ("value", "(" * 1_400, "is no Python literal"),
        ("value", "1" * 2_000, "1500 at most"),
    ):
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await answer(run, choice, value)
        assert sentence in str(refused.value.cause)
    await answer(run, "1")
    assert (await run.result()).verdict is Verdict.FIXED


async def test_nothing_is_answered_where_nothing_is_asked(start: Start) -> None:
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [failed("x")]}), require_approval=True)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await run.handle.execute_update("answer", args=["1"], result_type=str)
    assert "The run asks nothing now" in str(refused.value.cause)
    await run.handle.signal("abort")
    await run.result()


@pytest.mark.parametrize(("choice", "value"), [("neither", ""), ("value", "7")])
async def test_an_answer_that_refutes_both_lets_the_search_go_on(start: Start, choice: str, value: str) -> None:
    world = World(
        rounds=[[strategy("one"), strategy("two")]],
        trials={"one": [ambiguous()], "two": [passed("b")]},
        contest=TWO,
    )
    run = await start(world, questions=8)
    await answer(run, choice, value)
    result = await run.result()
    assert result.verdict is Verdict.FIXED
    first, second = (await run.genealogy()).branches
    assert first.ending is Ending.REFUTED
    assert first.reason.startswith("The answer refutes it: f(1) ")
    assert second.ending is Ending.PASSED
    assert [len(request.answers) for request in world.requested("try_candidates")] == [0, 1]


async def test_another_run_goes_on_with_what_an_answer_leaves(start: Start) -> None:
    question = TWO.find_question([0, 1])
    assert question is not None
    world = World(trials={"left": [passed("b")]}, contest=TWO)
    run = await start(
        world,
        contest=OpenContest(contest=NOTHING, parent=Checkpoint(commit="base"), question=question),
        answers=[BehaviourAnswer(call=question.call, right=question.choices[1].result, sender="ada@home")],
    )
    result = await run.result()
    assert result.verdict is Verdict.FIXED
    assert not world.calls["propose_strategies"]
    assert not world.calls["plan"] + world.calls["implement"]
    (branch,) = (await run.genealogy()).branches
    assert [attempt.outcome for attempt in branch.attempts] == [Outcome.PASSED]
    assert len(world.requested("write_tests")) == 1


async def test_where_an_answer_leaves_none_the_search_begins(start: Start) -> None:
    question = TWO.find_question([0, 1])
    assert question is not None
    world = World(rounds=[[strategy("one")]], trials={"one": [passed("c")]}, contest=TWO)
    run = await start(
        world,
        contest=OpenContest(contest=NOTHING, parent=Checkpoint(commit="base"), question=question),
        answers=[BehaviourAnswer(call=question.call, wrong=("returns 1", "returns 2"))],
    )
    assert (await run.result()).verdict is Verdict.FIXED
    assert [branch.strategy.title for branch in (await run.genealogy()).branches] == ["one"]


def beside(trial: Trial) -> World:
    """Return a world of templates, whose first strategy passes, and in whose second a rival of it is looked for."""
    one, two = (strategy(title).model_copy(update={"model": TEMPLATES}) for title in ("one", "two"))
    return World(rounds=[[one, two]], trials={"one": [passed(ALIKE)], "two": [trial]}, contest=TWO)


async def test_a_fix_is_not_fixed_while_another_strategy_has_a_rival(start: Start) -> None:
    world = beside(ambiguous())
    run = await start(world, model=TEMPLATES)
    result = await run.result()
    assert result.verdict is Verdict.AMBIGUOUS
    assert result.contest is not None
    assert result.contest.parent.commit == "base"
    _, rivals = world.requested("try_candidates")
    assert rivals.incumbent.title == "a"
    assert rivals.incumbent.diff == passed(ALIKE).diff
    (branch,) = (await run.genealogy()).branches
    assert branch.ending is Ending.PASSED


async def test_a_likelier_rival_takes_the_place_of_a_fix(start: Start) -> None:
    better = ambiguous().model_copy(update={"index": 1, "title": "b", "diff": hash_content(b"better", "text/x-diff")})
    run = await start(beside(better), model=TEMPLATES)
    result = await run.result()
    assert result.commit == f"c-{hash_content(b'better', 'text/x-diff').sha256[:10]}"
    assert result.reason.endswith(": b")


@pytest.mark.parametrize(
    "trial",
    [
        failed("x"),
        passed("a"),
        passed("a").model_copy(update={"comparison": Comparison(candidates=4, behaviours=1, calls=9)}),
    ],
    ids=["none passes", "nothing is compared", "all behave alike"],
)
async def test_what_behaves_alike_or_fails_is_no_rival(start: Start, trial: Trial) -> None:
    run = await start(beside(trial), model=TEMPLATES)
    result = await run.result()
    assert result.verdict is Verdict.FIXED
    assert (await run.genealogy()).comparison == trial.comparison


async def test_no_rival_is_looked_for_where_nothing_is_to_be_compared(start: Start) -> None:
    world = beside(ambiguous())
    run = await start(world, model=TEMPLATES, sandbox={"compare_seconds": 0})
    assert (await run.result()).verdict is Verdict.FIXED
    assert world.calls["try_candidates"] == 1
