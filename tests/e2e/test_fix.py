"""`hydra fix` from a repository with a bug to a published fix."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from hydranet.genealogy import Ending, Genealogy, Verdict
from tests.e2e.conftest import SMALL, Hydra, build_depot, following, git, repository

ISSUE = "AttributeError: 'NoneType' object has no attribute 'unit_price' in depot/invoice.py"


class Run(NamedTuple):
    """A finished run on the seeded bug: what `hydra fix` printed, and the repository's branch and status before."""

    depot: Path
    screen: str
    genealogy: Genealogy
    before: tuple[str, str]


def read_state(root: Path) -> tuple[str, str]:
    return git(root, "rev-parse", "main"), git(root, "status", "--porcelain")


@pytest.fixture(scope="module")
def run(hydra: Hydra, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The seeded bug whose cause is in another file than the traceback's top, fixed by templates."""
    root = build_depot(tmp_path_factory.mktemp("run") / "depot")
    before = read_state(root)
    done = hydra("fix", "--repo", root, "--issue", ISSUE, "--model", "templates")
    assert done.returncode == 0, done.stdout + done.stderr
    genealogy = json.loads(hydra("show", done.stdout.split()[1], "--json").stdout)
    return Run(root, done.stdout, Genealogy.model_validate(genealogy), before)


def test_a_real_bug_is_fixed_after_other_branches_gave_up(run: Run) -> None:
    genealogy = run.genealogy
    assert genealogy.verdict is Verdict.FIXED
    endings = [branch.ending for branch in genealogy.branches]
    assert len(endings) > 1
    assert Ending.PASSED not in endings[:-1]
    assert endings[-1] is Ending.PASSED
    assert genealogy.usage.tokens == 0
    assert git(run.depot, "diff", "--name-only", "main", genealogy.published) == "depot/pricing.py"
    assert run.before == read_state(run.depot)
    refs = git(run.depot, "for-each-ref", "--format=%(refname)", f"refs/hydra/{genealogy.run_id}").splitlines()
    assert len(refs) == sum(bool(a.checkpoint) for branch in genealogy.branches for a in branch.attempts)


def test_every_view_tells_the_same_story(hydra: Hydra, run: Run, tmp_path: Path) -> None:
    run_id = run.genealogy.run_id
    assert "/workflows/" in run.screen
    assert "b01 spent" in run.screen
    shown = hydra("show", run_id)
    assert shown.returncode == 0
    for word in ("spent", "passed", "terms: ", "published as branch hydra/fix-"):
        assert word in shown.stdout
    written = hydra("report", run_id).stdout
    assert written.startswith("# AttributeError: 'NoneType' object")
    for branch in run.genealogy.branches:
        assert f"\n## b{branch.number:02d} " in written
    page = tmp_path / "report.html"
    assert hydra("report", run_id, "--output", page).returncode == 0
    assert "It changed depot/pricing.py, which no other branch had touched." in page.read_text()
    assert run_id in hydra("runs").stdout
    names = [
        line.split()[0] for line in hydra("show", run_id, "--checkpoint").stdout.splitlines() if "/attempt-" in line
    ]
    assert names[0] == f"hydra/{run_id}/b01/attempt-001"
    kept = git(run.depot, "log", "-1", "--format=%B", names[-1])
    assert "Outcome: passed" in kept
    assert kept.splitlines()[0] in hydra("show", run_id, "--checkpoint").stdout
    entries = [json.loads(line) for line in hydra("log", run_id).stdout.splitlines()]
    attempts = sum(len(branch.attempts) for branch in run.genealogy.branches)
    trials = [e for e in entries if e.get("call") == "try_candidates" and e["event"] == "completed"]
    assert len(trials) == attempts
    assert [e["time"] for e in entries] == sorted(e["time"] for e in entries)
    assert entries[0]["event"] == "started"
    assert entries[-1]["event"] == "ended"


def test_a_second_run_never_overwrites_the_first(hydra: Hydra, small: Path) -> None:
    issue = f"{ISSUE}?"
    runs = [hydra.json("fix", "--repo", small, "--issue", issue, "--model", "templates")[1].run_id for _ in range(2)]
    assert runs[1] == f"{runs[0]}-2"
    assert len(git(small, "branch", "--list", "hydra/*").splitlines()) == 1


def test_apply_waits_for_approval_and_moves_the_checked_out_branch(hydra: Hydra, small: Path) -> None:
    before = (small / "a.py").read_text()
    command = hydra.start("fix", "--repo", small, "--issue", "single ladder", "--model", "templates", "--apply")
    run_id = following(command, "waiting for approval").split()[1]
    assert "rule apply: apply main is supervised" in hydra("show", run_id).stdout
    assert (small / "a.py").read_text() == before
    assert hydra("approve", run_id).returncode == 0
    screen, _ = command.communicate(timeout=60)
    assert command.returncode == 0, screen
    assert "applied" in screen
    assert (small / "a.py").read_text() != before
    assert git(small, "status", "--porcelain") == ""


def test_what_the_constitution_refuses_is_not_begun(own_hydra: Hydra, depot: Path) -> None:
    rules = own_hydra.data / "config" / "hydranet" / "constitution.yaml"
    rules.parent.mkdir(parents=True)
    rules.write_text("immutable:\n  - id: hands-off\n    operation: apply\n    reason: My files are mine.\n")
    arguments = ("fix", "--repo", depot, "--issue", "single ladder", "--model", "templates", "--apply")
    done = own_hydra(*arguments)
    assert done.returncode == 2
    assert "does not let a run apply main (rule hands-off): My files are mine." in done.stderr
    rules.write_text("immutable: [")
    done = own_hydra(*arguments)
    assert done.returncode == 2
    assert "not valid YAML" in done.stderr


def test_uncommitted_changes_are_neither_seen_nor_lost(hydra: Hydra, small: Path) -> None:
    mine = small / "b.py"
    mine.write_text("broken(")
    done = hydra("fix", "--repo", small, "--issue", "dirty", "--model", "templates")
    assert done.returncode == 0, done.stderr
    assert "made against HEAD" in done.stdout
    assert mine.read_text() == "broken("


def test_a_bug_beyond_the_templates_ends_as_exhausted(hydra: Hydra, tmp_path: Path) -> None:
    root = repository(
        tmp_path / "hard",
        {
            "words.py": "def translate(text):\n    return text\n",
            "test_words.py": (
                "from words import translate\n\n\ndef test_it():\n    assert translate('good day') == 'guten Tag'\n"
            ),
        },
    )
    done = hydra("fix", "--repo", root, "--issue", "translate does nothing", "--model", "templates")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "exhausted" in done.stdout
    assert git(root, "branch", "--list", "hydra/*") == ""


def test_two_commands_at_once_share_one_stack_that_ends_by_itself(own_hydra: Hydra, tmp_path: Path) -> None:
    roots = [repository(tmp_path / name, SMALL) for name in "ab"]
    commands = [own_hydra.start("fix", "--repo", r, "--issue", "f(1) is wrong", "--model", "templates") for r in roots]
    outputs = [command.communicate(timeout=200)[0] for command in commands]
    assert [command.returncode for command in commands] == [0, 0], outputs
    assert all(git(r, "branch", "--list", "hydra/*") for r in roots)
    for process in own_hydra.processes():
        process.wait(30)
    assert own_hydra.processes() == []


def test_detach_returns_and_the_run_goes_on(hydra: Hydra, small: Path) -> None:
    arguments = ("fix", "--repo", small, "--issue", "detached", "--model", "templates")
    done = hydra(*arguments, "--detach")
    assert done.returncode == 0
    run_id = done.stdout.split()[1]
    again = hydra(*arguments)
    assert again.returncode == 0, again.stderr
    assert again.stdout.split()[1] in (run_id, f"{run_id}-2")


def test_a_pipe_gets_plain_lines(hydra: Hydra, small: Path) -> None:
    done = hydra("fix", "--repo", small, "--issue", "plain", "--model", "templates")
    assert "\x1b" not in done.stdout
    assert "b01 started" in done.stdout
    assert "convergence" in done.stdout


def test_the_commands_explain_themselves() -> None:
    from tests.e2e.conftest import HYDRA

    said = subprocess.run([HYDRA, "--help"], capture_output=True, text=True, check=True).stdout
    for command in ("fix", "runs", "show", "report", "log", "abort", "override", "bench", "score", "up", "down"):
        assert command in said
