"""A run without a failing test and without an example: a model drafts tests, and the best becomes the target."""

import pytest

from hydranet.contracts import Expectation, ExpectationKind, TargetRequest
from hydranet.errors import FatalError
from hydranet.genealogy import Verdict
from tests.workflows.conftest import Start, eventually
from tests.workflows.world import World, passed, report, strategy

DRAFTS = [
    Expectation(kind=ExpectationKind.RUNS, code=f"assert f({n})", source=f"draft {n}", setup="import f")
    for n in range(3)
]
EXAMPLE = Expectation(kind=ExpectationKind.HOLDS, code="f(1)", source="example")


def make_world(*reproducing: str, **changes: object) -> World:
    """Return a world in which no test fails before drafts are written, and one attempt makes the fix."""
    world = World(
        rounds=[[strategy("one")]],
        trials={"one": [passed()]},
        baseline=report(),
        bases=[report("new0") for _ in range(2)],
        meant=("new0",),
        drafts=DRAFTS,
        reproducing=reproducing,
    )
    for name, value in changes.items():
        setattr(world, name, value)
    return world


def refuse(source: str) -> dict[str, object]:
    """Return callbacks by which the test of one source does not fail as it should."""

    def choose(request: TargetRequest) -> None:
        if request.written is not None and request.written.tests[0].source == source:
            raise FatalError("It does not fail there as the issue says.")

    return {"choose_target": choose}


async def test_the_best_draft_of_a_model_is_the_target(start: Start) -> None:
    world = make_world("draft 1", "draft 2", tokens=70)
    run = await start(world, model="ollama:small")
    result = await run.result()
    assert result.verdict is Verdict.FIXED, result.reason
    assert "which a model drafted of the issue" in result.reason
    genealogy = await run.genealogy()
    assert genealogy.target_tests == ("new0",)
    assert genealogy.reproduction is not None
    assert genealogy.reproduction.code == "import f\nassert f(1)"
    assert genealogy.reproduction.sentence == "draft 9: it is empty; draft 0: it passes at HEAD"
    assert genealogy.reproduction.usage.tokens == 70
    assert genealogy.usage.tokens >= 140, "what the drafts cost counts as well"
    assert [request.expectations for request in world.requested("write_tests")] == [(), tuple(DRAFTS), (DRAFTS[1],)]
    assert world.requested("measure_coverage")[0].only == "tests/test_new.py"


async def test_a_draft_that_does_not_fail_each_time_gives_way_to_the_next(start: Start) -> None:
    run = await start(make_world("draft 1", "draft 2", on=refuse("draft 1")), model="ollama:small")
    assert (await run.result()).verdict is Verdict.FIXED
    reproduction = (await run.genealogy()).reproduction
    assert reproduction is not None
    assert reproduction.code == "import f\nassert f(2)"
    assert "draft 1: it does not fail each time" in reproduction.sentence


@pytest.mark.parametrize("drafts", [DRAFTS, []])
async def test_a_run_that_reproduces_nothing_fails_and_says_what_it_tried(
    start: Start, drafts: list[Expectation]
) -> None:
    run = await start(make_world(drafts=drafts), model="ollama:small")
    result = await run.result()
    assert result.verdict is Verdict.FAILED
    assert not result.refused, "the input was right: exit code 1"
    assert f"none of {len(drafts) + 1} draft" in result.reason
    assert "draft 9: it is empty" in result.reason
    assert ("it passes at HEAD" in result.reason) is bool(drafts)


async def test_without_a_model_a_run_without_a_test_is_refused(start: Start) -> None:
    run = await start(make_world("draft 1"), model="templates")
    result = await run.result()
    assert result.refused
    assert "or name a model, which may write one" in result.reason


async def test_examples_that_do_not_fail_leave_the_issue_to_the_model(start: Start) -> None:
    run = await start(make_world("draft 0", examples=[EXAMPLE], on=refuse("example")), model="ollama:small")
    assert (await run.result()).verdict is Verdict.FIXED
    assert (await run.genealogy()).written_tests == "tests/test_new.py, which a model drafted of the issue"


async def test_a_person_decides_about_a_drafted_test_before_the_search(start: Start) -> None:
    world = make_world("draft 1", "draft 2")
    run = await start(world, model="ollama:small", require_approval=True)
    await eventually(run, lambda genealogy: "approval of the drafted test" in genealogy.state)
    reproduction = (await run.genealogy()).reproduction
    assert reproduction is not None
    assert reproduction.code == "import f\nassert f(1)", "its text is there to be read"
    assert world.calls["propose_strategies"] == 0
    wait = (await run.genealogy()).waits
    assert wait is not None
    assert (wait.subject, wait.failing_count > 0) == ("test", True)
    assert await run.handle.execute_update("reject", "ann@host") == "The run goes on without that test."
    await eventually(run, lambda genealogy: genealogy.reproduction and "f(2)" in genealogy.reproduction.code)
    await eventually(run, lambda genealogy: "approval of the drafted test" in genealogy.state)
    assert await run.handle.execute_update("approve", "ann@host") == "The run goes on with this test as its target."
    await eventually(run, lambda genealogy: "waiting for approval: " in genealogy.state)
    await run.handle.execute_update("approve", "ann@host")
    assert (await run.result()).verdict is Verdict.FIXED
    reproduction = (await run.genealogy()).reproduction
    assert reproduction is not None
    assert "draft 1: Rejected by ann@host." in reproduction.sentence
