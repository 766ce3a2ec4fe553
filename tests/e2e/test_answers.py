"""A bug of which two fixes pass the tests: what is asked, the answer at once and later, and the test it becomes."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Hydra, following, git, repository
from tests.e2e.test_watch import Terminal

FILES = {
    "shop.py": (
        "def rate(weight, express=False):\n    if weight < 10:\n        return 5\n    return 9 if express else 7\n"
    ),
    "test_shop.py": (
        "from shop import rate\n\n\ndef test_light():\n    assert rate(9) == 5\n\n\n"
        "def test_heavy():\n    assert rate(20) == 7\n\n\ndef test_limit():\n    assert rate(10, True) == 5\n"
    ),
}
ISSUE = ("--issue", "Ten kilograms cost too much", "--model", "templates")
TEST = "test_ten_kilograms_cost_too_much_as_answered.py"


@pytest.fixture
def asking(hydra: Hydra) -> Hydra:
    """The shared stack, whose runs tell fixes apart."""
    return Hydra(hydra.data, {**hydra.env, "HYDRA_SANDBOX__COMPARE_SECONDS": "60"})


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop", FILES)


def test_an_ambiguous_run_is_answered_later_and_its_search_is_not_repeated(asking: Hydra, shop: Path) -> None:
    done = asking("fix", "--repo", shop, *ISSUE)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "The likelier of the fixes is on branch hydra/fix-ten-kilograms-cost-too-much." in done.stdout
    (run,) = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Run ")]
    call = next(line.strip() for line in done.stdout.splitlines() if line.startswith("What is right for rate("))
    call = call.removeprefix("What is right for ").partition(": that it ")[0]
    message = git(shop, "log", "-1", "--format=%B", "hydra/fix-ten-kilograms-cost-too-much")
    assert f"Ambiguous: What is right for {call}: that it returns " in message
    assert f"`hydra answer {run} 1`" in message

    wrong = asking("answer", run, "maybe")
    assert (wrong.returncode, wrong.stderr) == (
        2,
        "hydra: The answer is 1, 2, neither or unknown, or a value, as in --value 0.\n",
    )
    answered = asking("answer", run, "2")
    assert answered.returncode == 0, answered.stdout + answered.stderr
    assert f"Run      {run}-2, which goes on with the fixes that passed" in answered.stdout
    assert answered.stdout.count(" started") == 1
    fix = "hydra/fix-ten-kilograms-cost-too-much-2"
    assert sorted(git(shop, "diff", "--name-only", "main", fix).splitlines()) == ["shop.py", TEST]
    assert f"assert {call} == " in git(shop, "show", f"{fix}:{TEST}")
    assert git(shop, "show", f"{fix}:shop.py") != git(shop, "show", f"{fix.removesuffix('-2')}:shop.py")


def test_a_person_at_the_terminal_is_asked_at_once(asking: Hydra, shop: Path) -> None:
    terminal = Terminal(asking, "fix", "--repo", str(shop), *ISSUE)
    try:
        terminal.wait_for("empty to answer later", 120)
        terminal.press("rate\n")
        terminal.wait_for("is no Python literal")
        terminal.press("1\n")
        terminal.wait_for("Taken: rate(")
        terminal.wait_for("Is it right that rate(10) now returns 5, and returns 7 no more?")
        terminal.press("1\n")
        assert terminal.end() == 0
    finally:
        terminal.process.kill()
    assert TEST in git(shop, "diff", "--name-only", "main", "hydra/fix-ten-kilograms-cost-too-much").splitlines()


def test_a_run_that_asks_waits_until_it_is_answered(asking: Hydra, shop: Path) -> None:
    done = asking("fix", "--repo", shop, *ISSUE, "--ask", "--detach")
    assert done.returncode == 0, done.stderr
    run = done.stdout.split()[1]
    with asking.start("fix", "--repo", shop, *ISSUE) as command:
        following(command, "waiting for an answer: hydra answer")
        shown = asking("waiting").stdout
        assert "What is right for rate(" in shown
        assert f"hydra answer {run} 1" in shown
        assert "Taken: rate(" in asking("answer", run, "neither").stdout
        # The others that pass do what was refuted, or something else again.
        assert asking("abort", run).returncode == 0
        assert command.wait(timeout=60) == 3
