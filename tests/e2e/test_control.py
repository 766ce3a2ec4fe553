"""Speaking to a run while its tests are running in the sandbox."""

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import Hydra, following, git, repository

SLOW = {"test_slow.py": "import time\n\n\ndef test_it():\n    time.sleep(600)\n    assert False\n"}


def sandboxed() -> list[psutil.Process]:
    """Every sandbox that is still running; one that has ended may wait a moment to be reaped by its parent."""
    found = [process for process in psutil.process_iter(["name", "status"]) if process.info["name"] == "bwrap"]
    return [process for process in found if process.info["status"] != psutil.STATUS_ZOMBIE]


@pytest.fixture
def slow(hydra: Hydra, tmp_path: Path) -> "subprocess.Popen[str]":
    root = repository(tmp_path / "slow", SLOW)
    return hydra.start("fix", "--repo", root, "--issue", "slow", "--model", "templates")


def test_abort_leaves_no_process_and_no_branch(hydra: Hydra, slow: "subprocess.Popen[str]", tmp_path: Path) -> None:
    run_id = following(slow, "running the tests").split()[1]
    aborted = hydra("abort", run_id, "--reason", "Enough.", timeout=30)
    assert aborted.returncode == 0, aborted.stderr
    said, _ = slow.communicate(timeout=30)
    assert slow.returncode == 3, said
    assert "Enough." in said
    assert sandboxed() == []
    assert git(tmp_path / "slow", "branch", "--list", "hydra/*") == ""
    again = hydra("abort", run_id)
    assert again.returncode == 2
    assert "has ended" in again.stderr


def test_ctrl_c_detaches_and_says_how_to_go_on(hydra: Hydra, slow: "subprocess.Popen[str]") -> None:
    run_id = following(slow, "running the tests").split()[1]
    slow.send_signal(signal.SIGINT)
    said, _ = slow.communicate(timeout=30)
    assert slow.returncode == 130
    assert "Traceback" not in said
    assert f"hydra abort {run_id}" in said
    assert "running" in next(line for line in hydra("runs").stdout.splitlines() if run_id in line)
    assert hydra("abort", run_id).returncode == 0


def test_pause_shows_and_resume_goes_on(hydra: Hydra, slow: "subprocess.Popen[str]") -> None:
    run_id = following(slow, "running the tests").split()[1]
    assert hydra("pause", run_id).returncode == 0
    assert "paused" in hydra("show", run_id).stdout
    assert hydra("resume", run_id).returncode == 0
    assert "paused" not in hydra("show", run_id).stdout
    assert hydra("abort", run_id).returncode == 0
    slow.communicate(timeout=30)


def test_an_approved_fix_is_published(hydra: Hydra, depot: Path) -> None:
    command = hydra.start(
        *("fix", "--repo", depot, "--issue", "approve me", "--model", "templates", "--require-approval")
    )
    run_id = following(command, "waiting for approval").split()[1]
    assert git(depot, "branch", "--list", "hydra/*") == ""
    assert hydra("approve", run_id).returncode == 0
    said, _ = command.communicate(timeout=60)
    assert command.returncode == 0, said
    assert git(depot, "branch", "--list", "hydra/*") != ""


def test_a_command_whose_stack_is_ended_says_so_in_a_sentence(own_hydra: Hydra, tmp_path: Path) -> None:
    root = repository(tmp_path / "slow", SLOW)
    command = own_hydra.start("fix", "--repo", root, "--issue", "slow", "--model", "templates")
    following(command, "running the tests")
    assert own_hydra("down").returncode == 0
    said, _ = command.communicate(timeout=60)
    assert command.returncode == 2, said
    assert "Traceback" not in said
    assert "Run the command again" in said
