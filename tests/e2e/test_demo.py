"""What `make demo` promises: a branch that circles at the symptom is reaped, and another strategy fixes the cause."""

import shutil
import subprocess
import sys
from pathlib import Path

from hydranet.genealogy import Ending, Genealogy, Verdict
from tests.e2e.conftest import HYDRA, SEEDED, Hydra, git

DEMO = SEEDED.parent / "demo"


def test_a_branch_that_circles_is_reaped_and_another_strategy_fixes_the_cause(hydra: Hydra, tmp_path: Path) -> None:
    command = [DEMO / "run", HYDRA, tmp_path]
    done = subprocess.run(command, env=hydra.environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    run = next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("Run "))
    genealogy = Genealogy.model_validate_json(hydra("show", run, "--json").stdout)
    assert genealogy.verdict is Verdict.FIXED
    *dead, winner = genealogy.branches

    circling = [branch for branch in dead if branch.ending is Ending.REAPED]
    assert circling, [branch.ending for branch in dead]
    branch = circling[0]
    assert len(branch.attempts) == 3
    scores = [attempt.score.value for attempt in branch.attempts]
    assert scores == sorted(scores)
    assert scores[-2] <= genealogy.threshold < scores[-1]
    assert {attempt.facts.failing_count for attempt in branch.attempts} == {genealogy.target_count}
    assert "and the same error follows (KeyError in theatre/orders.py)" in branch.reason
    assert f"b{branch.number:02d} REAPED, it circles: {branch.reason}" in done.stdout

    assert winner.ending is Ending.PASSED
    assert winner.strategy.target_symbols != branch.strategy.target_symbols
    assert f"b{winner.number:02d} started, a different strategy: {winner.strategy.title}" in done.stdout

    theatre = tmp_path / "theatre"
    assert git(theatre, "diff", "--numstat", "main", genealogy.published).split() == ["1", "1", "theatre/hall.py"]
    assert "+        for number in range(first, last + 1):" in done.stdout
    assert f"git -C {theatre} show {genealogy.published}" in done.stdout
    git(theatre, "switch", "-q", genealogy.published)
    shutil.copy(DEMO / "theatre" / "hidden" / "test_rows.py", theatre / "tests")
    tests = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=theatre, capture_output=True, text=True)
    assert tests.returncode == 0, tests.stdout
