"""A run from its baseline to its verdict."""

import asyncio

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from hydranet.budget import Budget
from hydranet.contracts import Expectation, ExpectationKind, ImplementAnswer, StepRequest
from hydranet.genealogy import Ending, Genealogy, KnownFailure, Outcome, Verdict
from tests.workflows.conftest import Start
from tests.workflows.world import TARGET, World, failed, fatal, flaky, passed, report, strategy


async def test_a_first_attempt_that_passes_is_verified_and_published(start: Start) -> None:
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [passed()]}))
    result = await run.result()
    assert (result.verdict, result.published) == (Verdict.FIXED, "hydra/fix-it-breaks")
    genealogy: Genealogy = await run.genealogy()
    assert [branch.ending for branch in genealogy.branches] == [Ending.PASSED]
    assert run.world.calls["run_tests"] == 2
    assert [named.name for named in run.world.requested("publish_fix")[0].checkpoints] == ["b01/attempt-001"]


async def test_the_sandbox_and_flaky_tests_are_on_record(start: Start) -> None:
    shaky, verified = (report(*left).model_copy(update={"flaky": ("t3", *left[:1])}) for left in (TARGET, ()))
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]}, baseline=shaky, verifications=[verified])
    run = await start(world)
    await run.result()
    genealogy = await run.genealogy()
    assert genealogy.environment == "bubblewrap; nothing installed"
    assert genealogy.flaky == ("t3", "t1")


async def test_notes_on_test_runs_are_on_record_from_the_base_the_trials_and_the_verification(start: Start) -> None:
    trial = passed()
    trial = trial.model_copy(update={"report": trial.report.model_copy(update={"notes": ("cut", "renamed")})})
    noted = [report(*left).model_copy(update={"notes": notes}) for left, notes in ((TARGET, ("cut",)), ((), ("late",)))]
    world = World(rounds=[[strategy("one")]], trials={"one": [trial]}, baseline=noted[0], verifications=noted[1:])
    run = await start(world)
    await run.result()
    assert (await run.genealogy()).test_notes == ("cut", "renamed", "late")


async def test_a_circling_branch_is_reaped_and_the_next_strategy_wins(start: Start) -> None:
    trials = {"circles": [failed("x = 2"), failed("x = 3"), failed("x = 2")], "wins": [passed()]}
    run = await start(World(rounds=[[strategy("circles"), strategy("wins")]], trials=trials))
    assert (await run.result()).verdict is Verdict.FIXED
    genealogy = await run.genealogy()
    assert [branch.ending for branch in genealogy.branches] == [Ending.REAPED, Ending.PASSED]
    dead = genealogy.branches[0]
    assert 2 <= len(dead.attempts) <= 3
    assert dead.attempts[-1].score.value > genealogy.threshold
    assert dead.reason
    later = run.world.requested("implement")[-1]
    assert "circles" in later.dead[0]


@pytest.mark.parametrize(("offered", "ending"), [(3, Ending.SPENT), (4, Ending.REAPED)])
async def test_a_circling_branch_with_nothing_left_to_try_is_spent(start: Start, offered: int, ending: Ending) -> None:
    trials = {"circles": [failed("x = 2"), failed("x = 3"), failed("x = 4")], "wins": [passed()]}
    world = World(rounds=[[strategy("circles"), strategy("wins")]], trials=trials, offers={"circles": offered})
    run = await start(world)
    await run.result()
    dead = (await run.genealogy()).branches[0]
    assert (dead.ending, len(dead.attempts)) == (ending, 3)
    assert dead.attempts[-1].score.value > 0.75
    assert ("is above" in dead.reason) == (ending is Ending.REAPED)


async def test_without_the_reaper_a_circling_branch_spends_its_budget(start: Start) -> None:
    world = World(rounds=[[strategy("circles")]], trials={"circles": [failed("x = 2")]})
    run = await start(world, reaper=False, budget=Budget(attempts_per_branch=5))
    assert (await run.result()).verdict is Verdict.EXHAUSTED
    assert [len(branch.attempts) for branch in (await run.genealogy()).branches] == [5]


async def test_the_next_branch_starts_from_the_best_checkpoint(start: Start) -> None:
    better = failed("x = 2", "t1", line=30)
    worse = failed("x = 3", *TARGET, "t4", line=60)
    world = World(
        rounds=[[strategy("first"), strategy("second")]],
        trials={"first": [better, worse, worse, worse], "second": [passed()]},
    )
    run = await start(world)
    assert (await run.result()).verdict is Verdict.FIXED
    genealogy = await run.genealogy()
    assert genealogy.branches[0].start == "base"
    assert genealogy.branches[1].start == genealogy.branches[0].attempts[0].checkpoint


async def test_a_checkpoint_that_breaks_a_test_is_not_the_best(start: Start) -> None:
    breaking = failed("x = 2", "t1", "another")
    world = World(rounds=[[strategy("first"), strategy("second")]], trials={"first": [breaking], "second": [passed()]})
    run = await start(world, budget=Budget(attempts_per_branch=1))
    await run.result()
    assert (await run.genealogy()).branches[1].start == "base"


async def test_a_generator_that_repeats_itself_twice_ends_the_run_as_exhausted(start: Start) -> None:
    again = [strategy("another title", file="one.py")]
    world = World(rounds=[[strategy("one")], again, again, [strategy("never asked for")]])
    run = await start(world, budget=Budget(attempts_per_branch=1))
    result = await run.result()
    assert result.verdict is Verdict.EXHAUSTED
    assert world.calls["propose_strategies"] == 3
    assert len((await run.genealogy()).branches) == 1


async def test_an_attempt_without_a_patch_is_an_attempt_with_a_reason(start: Start) -> None:
    silent = ImplementAnswer(reason="The answer held no code.", prompt="implement@1")
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [silent]}), budget=Budget(attempts_per_branch=1))
    await run.result()
    attempt = (await run.genealogy()).branches[0].attempts[0]
    assert (attempt.outcome, attempt.reason) == (Outcome.NO_PATCH, "The answer held no code.")


async def test_a_strategy_with_nothing_left_ends_its_branch_without_an_attempt(start: Start) -> None:
    over = ImplementAnswer(exhausted=True, reason="All candidates were tried.")
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [failed("x = 2"), over]}))
    await run.result()
    branch = (await run.genealogy()).branches[0]
    assert (branch.ending, branch.reason, len(branch.attempts)) == (
        Ending.SPENT,
        "All candidates were tried.",
        1,
    )


async def test_a_fix_that_fails_on_a_clean_checkout_is_refuted(start: Start) -> None:
    world = World(
        rounds=[[strategy("flaky"), strategy("true")]],
        trials={"flaky": [passed("a")], "true": [passed("b")]},
        verifications=[report("t1"), report()],
    )
    run = await start(world)
    assert (await run.result()).verdict is Verdict.FIXED
    assert [b.ending for b in (await run.genealogy()).branches] == [Ending.REFUTED, Ending.PASSED]


async def test_no_failing_test_is_a_refusal(start: Start) -> None:
    run = await start(World(baseline=report()), model="templates")
    result = await run.result()
    assert (result.verdict, result.refused) == (Verdict.FAILED, True)
    assert "No test fails" in result.reason


@pytest.mark.parametrize(("model", "refused"), [("templates", True), ("ollama:small", False)])
async def test_a_run_with_failures_of_the_environment_alone_names_their_cause(
    start: Start, model: str, refused: bool
) -> None:
    known = tuple(KnownFailure(test=f"t{number}", cause="the package x is not installed") for number in range(3))
    world = World(baseline=report().model_copy(update={"known": known, "known_count": 3}))
    result = await (await start(world, model=model)).result()
    assert (result.verdict, result.refused) == (Verdict.FAILED, refused), "a model drafts tests all the same"
    assert "t0 (the package x is not installed) and 2 other tests. Install it with 'sandbox.setup'" in result.reason


async def test_known_failures_are_on_record_before_any_branch(start: Start) -> None:
    known = (KnownFailure(test="t9", cause="it needs the network"),)
    baseline = report(*TARGET).model_copy(update={"known": known, "known_count": 1})
    run = await start(World(baseline=baseline, rounds=[[strategy("a")]], trials={"a": [passed()]}))
    assert (await run.result()).verdict is Verdict.FIXED
    genealogy = await run.genealogy()
    assert (genealogy.known_failures, genealogy.known_count) == (known, 1)
    assert genealogy.target_tests == TARGET


async def test_a_failing_set_up_is_a_refusal(start: Start) -> None:
    result = await (await start(World(on={"prepare_environment": fatal("pip failed.")}))).result()
    assert (result.verdict, result.refused, result.reason) == (Verdict.FAILED, True, "pip failed.")


async def test_a_fatal_error_ends_the_run_with_its_sentence(start: Start) -> None:
    world = World(rounds=[[strategy("one")]], on={"implement": fatal("The model is not pulled.")})
    result = await (await start(world)).result()
    assert (result.verdict, result.refused, result.reason) == (
        Verdict.FAILED,
        False,
        "The model is not pulled.",
    )


async def test_an_outage_parks_the_run_and_is_no_attempt(start: Start) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"implement": flaky(2)})
    run = await start(world)
    assert (await run.result()).verdict is Verdict.FIXED
    assert world.calls["implement"] == 3
    assert (await run.genealogy()).attempts == 1


@pytest.mark.parametrize("tokens", [640, 700, 790, 850])
async def test_the_token_budget_ends_the_run(start: Start, tokens: int) -> None:
    different = [failed(f"value = call_{n}({n})", file=f"f{n}.py", error=f"E{n}") for n in range(9)]
    world = World(rounds=[[strategy("one")]], trials={"one": different}, tokens=100)
    run = await start(world, budget=Budget(tokens=tokens))
    result = await run.result()
    assert (result.verdict, "token budget" in result.reason) == (Verdict.EXHAUSTED, True)
    assert tokens <= (await run.genealogy()).usage.tokens < tokens + 100


async def test_a_step_is_told_what_is_left_of_the_budget(start: Start) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [failed("x = 1"), passed()]}, tokens=100)
    run = await start(world, budget=Budget(tokens=5000))
    assert (await run.result()).verdict is Verdict.FIXED
    assert [request.tokens for request in world.requested("implement")] == [4800, 4500]


async def test_without_a_token_budget_nothing_is_cut_short(start: Start) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [failed("x = 1"), passed()]}, tokens=100)
    run = await start(world, budget=Budget(tokens=0))
    assert (await run.result()).verdict is Verdict.FIXED
    assert [request.tokens for request in world.requested("implement")] == [None, None]


async def test_the_time_budget_ends_the_run_in_the_middle_of_a_call(start: Start) -> None:
    world = World(rounds=[[strategy("one")]], on={"implement": lambda _: asyncio.sleep(600)})
    run = await start(world, budget=Budget(seconds=2))
    result = await run.result()
    assert (result.verdict, "time budget" in result.reason) == (Verdict.EXHAUSTED, True)
    branches = (await run.genealogy()).branches
    assert [(branch.ending, branch.reason) for branch in branches] == [(Ending.SPENT, result.reason)]


async def test_the_branch_budget_ends_the_run(start: Start) -> None:
    world = World(rounds=[[strategy(str(n)) for n in range(5)]])
    run = await start(world, budget=Budget(branches=2, attempts_per_branch=1))
    result = await run.result()
    assert result.reason.startswith("The closest attempt, b01 attempt 1, left 3 tests failing (of 3 at the base)")
    assert "branch budget" in result.reason
    assert len((await run.genealogy()).branches) == 2


async def test_the_attempt_budget_holds_across_branches(start: Start) -> None:
    different = [failed(f"value = call_{n}({n})", file=f"f{n}.py", error=f"E{n}") for n in range(9)]
    world = World(rounds=[[strategy("one"), strategy("two")]], trials={"one": different, "two": different[4:]})
    run = await start(world, reaper=False, budget=Budget(attempts=5, attempts_per_branch=3))
    result = await run.result()
    assert "attempt budget" in result.reason
    assert [len(branch.attempts) for branch in (await run.genealogy()).branches] == [3, 2]


@pytest.mark.parametrize("budget", [Budget(attempts=1), Budget(tokens=201)])
async def test_a_fix_made_with_the_last_of_the_budget_counts(start: Start, budget: Budget) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]}, tokens=100)
    run = await start(world, budget=budget)
    assert (await run.result()).verdict is Verdict.FIXED


async def test_parallel_branches_race_and_the_loser_is_cancelled(start: Start) -> None:
    both = asyncio.Barrier(2)

    async def meet(request: StepRequest) -> None:
        await both.wait()
        if request.strategy.title == "slow":
            await asyncio.sleep(600)

    world = World(rounds=[[strategy("slow"), strategy("fast")]], trials={"fast": [passed()]}, on={"implement": meet})
    run = await start(world, parallel_branches=2)
    assert (await run.result()).verdict is Verdict.FIXED
    assert [b.ending for b in (await run.genealogy()).branches] == [Ending.CANCELLED, Ending.PASSED]


async def test_templates_go_first_with_a_model(start: Start) -> None:
    first = strategy("by template").model_copy(update={"model": "templates"})
    world = World(rounds=[[first], [strategy("by model")]], trials={"by model": [passed()]})
    run = await start(world, templates_first=True, budget=Budget(attempts_per_branch=1))
    await run.result()
    asked = [request.work.model for request in world.requested("propose_strategies")]
    assert asked == ["templates", "fake"]
    assert world.calls["measure_coverage"] == 1


async def test_every_branch_and_the_run_are_put_on_record(start: Start) -> None:
    world = World(rounds=[[strategy("one"), strategy("two")]], trials={"two": [passed()]})
    run = await start(world, budget=Budget(attempts_per_branch=1))
    await run.result()
    records = world.requested("record_genealogy")
    assert [r.branch.number for r in records if r.branch] == [1, 2]
    assert records[-1].run.verdict is Verdict.FIXED


async def test_the_web_ui_shows_the_genealogy_and_the_search_attributes(start: Start) -> None:
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [passed()]}))
    await run.result()
    described = await run.handle.describe()
    attributes = {pair.key.name: pair.value for pair in described.typed_search_attributes}
    assert attributes["HydraVerdict"] == "fixed"
    assert attributes["HydraBranches"] == 1
    branch = (await run.genealogy()).branches[0]
    assert branch.id == f"{run.handle.id}/b01-one"
    child = await run.client.get_workflow_handle(branch.id).describe()
    assert await child.static_summary() == "b01 one"


async def test_closed_runs_are_kept_for_thirty_days(server: Client) -> None:
    request = DescribeNamespaceRequest(namespace=server.namespace)
    described = await server.workflow_service.describe_namespace(request)
    assert described.config.workflow_execution_retention_ttl.ToTimedelta().days == 30


async def test_a_supervisor_model_ranks_the_strategies(start: Start) -> None:
    rounds = [[strategy("one"), strategy("two"), strategy("three")], [strategy("last")]]
    world = World(rounds=rounds, trials={"last": [passed()]}, tokens=10)
    run = await start(world, supervisor_model="big", budget=Budget(attempts_per_branch=1))
    await run.result()
    genealogy = await run.genealogy()
    assert [branch.strategy.title for branch in genealogy.branches] == ["three", "two", "one", "last"]
    (request,) = world.requested("rank_strategies")
    assert (request.work.model, request.round, len(request.strategies)) == ("big", 1, 3)
    # Two proposals, the ranking and the critique of the fix.
    assert genealogy.usage.tokens == 40 + sum(branch.usage.tokens for branch in genealogy.branches)


@pytest.mark.parametrize("order", [(), (1,), (7, 1, 1)])
async def test_strategies_that_a_ranking_leaves_out_are_pursued_last(start: Start, order: tuple[int, ...]) -> None:
    world = World(rounds=[[strategy("one"), strategy("two")]], ranking=order, trials={"two": [passed()]})
    run = await start(world, supervisor_model="big", budget=Budget(attempts_per_branch=1))
    assert (await run.result()).verdict is Verdict.FIXED
    titles = [branch.strategy.title for branch in (await run.genealogy()).branches]
    assert titles == (["two"] if order else ["one", "two"])


async def test_the_model_is_loaded_while_the_tests_run(start: Start) -> None:
    loaded, tested = asyncio.Event(), asyncio.Event()

    async def load(_: object) -> None:
        await tested.wait()
        loaded.set()

    world = World(
        rounds=[[strategy("one")]],
        trials={"one": [passed()]},
        on={"warm_up": load, "run_tests": lambda _: tested.set()},
    )
    run = await start(world)
    assert (await run.result()).verdict is Verdict.FIXED
    assert loaded.is_set()
    assert world.requested("warm_up")[0].model == "fake"


async def test_a_model_that_cannot_be_loaded_is_a_refusal(start: Start) -> None:
    world = World(on={"warm_up": fatal("The model is not pulled.")})
    result = await (await start(world)).result()
    assert (result.verdict, result.refused, result.reason) == (Verdict.FAILED, True, "The model is not pulled.")


@pytest.mark.parametrize("kind", ["fixed", "exhausted", "failed"])
async def test_the_values_of_variables_are_removed_at_the_end(start: Start, kind: str) -> None:
    trials = {"one": [passed() if kind == "fixed" else failed("x = 2")]}
    on = {"run_tests": fatal("no sandbox")} if kind == "failed" else {}
    world = World(rounds=[[strategy("one")]], trials=trials, on=on)
    run = await start(world, sandbox={"env": {"TOKEN": "0" * 32}}, budget=Budget(attempts_per_branch=1))
    assert (await run.result()).verdict == kind
    assert world.requested("forget_variables") == [run.handle.id]
    # Only what the run did is put down after it.
    assert list(world.requests)[-2:] == ["forget_variables", "record_log"]


async def test_a_run_without_variables_has_none_to_remove(start: Start) -> None:
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [passed()]}))
    await run.result()
    assert run.world.calls["forget_variables"] == 0


async def test_what_the_issue_does_not_speak_of_is_a_known_failure(start: Start) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]}, meant=("t2",))
    run = await start(world)
    assert (await run.result()).verdict is Verdict.FIXED
    genealogy = await run.genealogy()
    assert (genealogy.target_tests, genealogy.target_count, genealogy.known_count) == (("t2",), 1, 2)
    assert [failure.test for failure in genealogy.known_failures] == ["t1", "t3"]
    assert "The issue speaks of 1." in genealogy.test_notes
    (choice,), (trial,) = world.requested("choose_target"), world.requested("try_candidates")
    assert (choice.patterns, trial.baseline) != ((), choice.results)


async def test_tests_that_are_named_are_the_target(start: Start) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]})
    run = await start(world, target=("t1", "t3"))
    assert (await run.result()).verdict is Verdict.FIXED
    assert (await run.genealogy()).target_tests == ("t1", "t3")
    assert world.requested("choose_target")[0].patterns == ("t1", "t3")


async def test_one_failing_test_is_the_target_whatever_the_issue_says(start: Start) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]}, baseline=report("t1"), meant=())
    run = await start(world)
    assert (await run.result()).verdict is Verdict.FIXED
    assert world.requested("choose_target") == []


async def test_tests_of_what_is_expected_are_the_target(start: Start) -> None:
    wish = Expectation(kind=ExpectationKind.HOLDS, code="f(1) == 2", source='--expect "f(1) == 2"')
    world = World(
        rounds=[[strategy("one")]], trials={"one": [passed()]}, baseline=report("new0", "t2"), meant=("new0",)
    )
    run = await start(world, expectations=(wish,))
    result = await run.result()
    assert result.verdict is Verdict.FIXED
    assert 'It passes a test that the run wrote: tests/test_new.py, of --expect "f(1) == 2".' in result.reason
    genealogy = await run.genealogy()
    assert (genealogy.target_tests, genealogy.known_count) == (("new0",), 1)
    (commit, _), (baseline, _) = world.requested("commit_checkpoint")[:2], world.requested("run_tests")[:2]
    assert (commit.parent.commit, commit.message) == ("base", "Test what is expected: It breaks")
    assert baseline.checkpoint != commit.parent
    (choice,) = world.requested("choose_target")
    assert (choice.checkpoint, choice.written.file) == (baseline.checkpoint, "tests/test_new.py")
    assert {request.work.base for request in world.requested("implement")} == {baseline.checkpoint}
    assert genealogy.base == "base", "the fix is published on what the user has"


async def test_the_examples_of_an_issue_that_fail_at_head_are_the_target(start: Start) -> None:
    wishes = [Expectation(kind=ExpectationKind.HOLDS, code=f"f({n})", source=f"example {n}") for n in range(3)]
    world = World(
        rounds=[[strategy("one")]],
        trials={"one": [passed()]},
        baseline=report(),
        bases=[report("new0", "new1", "new2"), report("new0")],
        meant=("new0",),
        examples=wishes,
    )
    run = await start(world)
    assert (await run.result()).verdict is Verdict.FIXED
    assert (await run.genealogy()).target_tests == ("new0",)
    asked = [request.expectations for request in world.requested("write_tests")]
    assert asked == [(), tuple(wishes[:1])], "what does not fail as the issue says is left out"
