"""What a model asks to see: run in the sandbox, refused by the guard, bounded, on record."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.artifacts.store import get_model
from activities.checkpoints.activities import CheckpointActivities
from activities.sandbox.protocol import Sandbox
from hydranet.contracts import Checkpoint, CommitRequest, Finding, Findings, InvestigateRequest, Investigation
from hydranet.convergence.score import Attempt, score_attempt
from hydranet.patches import make_diff
from hydranet.policy import constitution
from tests.integration.conftest import Make, Project
from tests.sandboxes import BACKENDS, sandbox_of

CART = "def total(prices):\n    return sum(prices) - 1\n"
LOUD = "print('\\x1b[2J' + 'x' * 5000 + 'end')"
FILES = {"shop/cart.py": CART, "loud.py": LOUD, "slow.py": "import time; time.sleep(60)"}


@pytest.fixture
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with sandbox_of(getattr(request, "param", "bubblewrap"), tmp_path / "sandbox") as sandbox:
        yield sandbox


async def look(made: Project, *asked: str, checkpoint: Checkpoint | None = None) -> tuple[Investigation, list[Finding]]:
    request = InvestigateRequest(
        snapshot=made.snapshot,
        checkpoint=checkpoint or made.base,
        environment=made.environment,
        spec=made.spec,
        asked=asked,
    )
    found = await made.activities.investigate(request)
    assert found.findings is not None
    return found, list((await get_model(made.artifacts, found.findings, Findings)).findings)


@pytest.mark.parametrize("sandbox", BACKENDS, indirect=True)
async def test_a_model_sees_what_it_asked_for(project: Make) -> None:
    made = await project(FILES)
    _, found = await look(
        made,
        "read_file shop/cart.py 2 2",
        "list_dir .",
        "search sum( shop",
        "run cd shop && python -c 'import cart; print(cart.total([1]))'",
    )
    read, listed, searched, ran = (one.output for one in found)
    assert read.split(None, 1) == ["2", "return sum(prices) - 1"]
    assert listed == "loud.py\nshop/\nslow.py"
    assert searched == "shop/cart.py:2:    return sum(prices) - 1"
    assert ran == "0"


@pytest.mark.parametrize("sandbox", BACKENDS, indirect=True)
async def test_a_look_changes_nothing_for_the_next(project: Make) -> None:
    made = await project(FILES)
    _, found = await look(made, 'run python -c \'open("new", "w").write("x")\'', "list_dir new")
    wrote, gone = (one.output for one in found)
    assert wrote == "(printed nothing)"
    assert "No such file" in gone


async def test_refusals_are_on_record_with_their_reason_and_nothing_is_run(project: Make) -> None:
    made = await project(FILES)
    looked, found = await look(made, "run curl http://example.org", "read_file /etc/passwd", "run cat loud.py")
    assert [one.refused.partition(":")[0] for one in looked.commands] == ["guard", "guard", ""]
    assert looked.commands[0].refused == "guard:network: There is no network in the sandbox."
    assert found[0].output == "Refused: There is no network in the sandbox."
    assert looked.commands[0].command == "run curl http://example.org"
    assert found[2].output == LOUD


async def test_the_users_constitution_is_asked_too(project: Make) -> None:
    rules = constitution.load_rules(
        "immutable: [{id: no-python, operation: run, match: ['python*'], reason: Not here.}]"
    )
    made = await project(FILES, rules=rules)
    looked, _ = await look(made, "run python loud.py", "list_dir .")
    assert [one.refused for one in looked.commands] == ["no-python: Not here.", ""]


async def test_what_is_printed_is_bounded_and_defused(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await project(FILES)
    _, (loud,) = await look(made, "run python loud.py")
    monkeypatch.setattr("activities.sandbox.investigation.SECONDS", 2.0)
    _, (slow,) = await look(made, "run python slow.py")
    assert "\x1b" not in loud.output
    assert len(loud.output) < 1600
    assert loud.output.endswith("xend")
    assert slow.output == "(timed out after 2 s)"


async def test_the_same_look_at_the_same_files_is_a_repetition(project: Make) -> None:
    made = await project(FILES)
    first, _ = await look(made, "read_file shop/cart.py")
    again, _ = await look(made, "read_file shop/cart.py")
    change = await made.artifacts.put(make_diff("loud.py", LOUD, "pass\n").encode(), "text/x-diff")
    checkpoint = await CheckpointActivities(made.artifacts, made.objects).commit_checkpoint(
        CommitRequest(snapshot=made.snapshot, parent=made.base, diff=change, message="quiet")
    )
    after, _ = await look(made, "read_file shop/cart.py", checkpoint=checkpoint)
    attempts = [Attempt(commands=one.commands) for one in (first, again, after)]
    assert score_attempt(attempts[:2]).terms.command_repetition == 0.5
    assert score_attempt([attempts[0], attempts[2]]).terms.command_repetition == 0.0


@pytest.mark.parametrize(
    "command", ["cat shop/cart.py", "run head -2 shop/cart.py | tail -2", "read_file shop/cart.py 1 2"]
)
async def test_the_same_lines_by_another_command_are_a_repetition(project: Make, command: str) -> None:
    made = await project(FILES)
    looked, _ = await look(made, "read_file shop/cart.py", command, "read_file shop/cart.py 2 2")
    assert score_attempt([Attempt(), Attempt(commands=looked.commands)]).terms.command_repetition == pytest.approx(
        1 / 3
    )
