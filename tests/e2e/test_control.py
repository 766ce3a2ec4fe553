"""Speaking to a run while its tests are running in the sandbox, with `hydra` and with Temporal's own command line."""

import contextlib
import getpass
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import Hydra, following, git, repository, stack

SENDER = f"{getpass.getuser()}@{socket.gethostname()}"

SLOW = {"test_slow.py": "import time\n\n\ndef test_it():\n    time.sleep(600)\n    assert False\n"}

SHOP = {
    "price.py": "def discount(quantity):\n    if quantity > 10:\n        return 0.1\n    return 0.0\n",
    "test_price.py": "import time\n\nfrom price import discount\n\n\ndef test_boundary():\n"
    "    assert discount(10) == 0.1\n\n\ndef test_slow():\n    time.sleep(5)\n",
}


def sandboxed(hydra: Hydra) -> list[psutil.Process]:
    """List the stack's sandboxes that still run; one that has ended may wait a moment for its parent."""
    found = []
    for process in hydra.find_worker("sandbox").children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.fixture
def slow(hydra: Hydra, tmp_path: Path) -> "subprocess.Popen[str]":
    root = repository(tmp_path / "slow", SLOW)
    return hydra.start("fix", "--repo", root, "--issue", "slow", "--model", "templates")


def test_abort_leaves_no_process_and_no_branch(hydra: Hydra, slow: "subprocess.Popen[str]", tmp_path: Path) -> None:
    run_id = following(slow, "running the tests").split()[1]
    aborted = hydra("abort", run_id, "--reason", "Enough.", timeout=30)
    assert aborted.returncode == 0, aborted.stderr
    output, _ = slow.communicate(timeout=30)
    assert slow.returncode == 3, output
    assert f"Aborted by {SENDER}: Enough." in output
    assert sandboxed(hydra) == []
    assert git(tmp_path / "slow", "branch", "--list", "hydra/*") == ""
    again = hydra("abort", run_id)
    assert again.returncode == 2
    assert "has ended" in again.stderr


def test_ctrl_c_detaches_and_says_how_to_go_on(hydra: Hydra, slow: "subprocess.Popen[str]") -> None:
    run_id = following(slow, "running the tests").split()[1]
    slow.send_signal(signal.SIGINT)
    output, _ = slow.communicate(timeout=30)
    assert slow.returncode == 130
    assert "Traceback" not in output
    assert f"hydra abort {run_id}" in output
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


def test_an_approved_fix_is_published(hydra: Hydra, small: Path) -> None:
    command = hydra.start(
        *("fix", "--repo", small, "--issue", "approve me", "--model", "templates", "--require-approval")
    )
    run_id = following(command, "waiting for approval").split()[1]
    assert git(small, "branch", "--list", "hydra/*") == ""
    assert refusal(hydra, "reap", run_id).endswith(
        "has passed the tests: `hydra abort` ends the run if its fix is not wanted."
    )
    for shown in (hydra("waiting"), hydra("show", run_id)):
        assert shown.returncode == 0, shown.stderr
        assert "to be published?" in shown.stdout
        assert "passes: test_a.py::test_" in shown.stdout
        assert "+++ b/a.py" in shown.stdout
        assert f"hydra approve {run_id}" in shown.stdout
    show_patches(hydra, run_id, small)
    approved = hydra("approve", run_id)
    assert (approved.returncode, approved.stdout) == (0, f"{run_id}: The fix will be published.\n")
    output, _ = command.communicate(timeout=60)
    assert command.returncode == 0, output
    assert f"message: approve by {SENDER} after" in output
    assert git(small, "branch", "--list", "hydra/*") != ""
    assert f"message: approve by {SENDER} after" in hydra("show", run_id).stdout
    assert f"Message: approve by {SENDER} after" in hydra("report", run_id).stdout
    updates = [entry for entry in map(json.loads, hydra("log", run_id).stdout.splitlines()) if "update" in entry]
    assert [(entry["update"], entry["sender"]) for entry in updates] == [("approve", SENDER)]
    assert run_id not in hydra("waiting").stdout


def show_patches(hydra: Hydra, run_id: str, repo: Path) -> None:
    """The patches of an open run apply to its base, and say what leads from one attempt to another."""
    best = hydra("show", run_id, "--diff")
    name = best.stderr.removeprefix("The patch of ").partition(":")[0]
    named = hydra("show", run_id, "--diff", name)
    assert (named.stdout, named.stderr) == (best.stdout, "")
    subprocess.run(["git", "apply", "--check", "-"], cwd=repo, input=named.stdout, text=True, check=True)
    same = hydra("show", run_id, "--diff", name, name)
    assert (same.returncode, same.stdout, same.stderr) == (0, "", "They change the same.\n")
    missing = hydra("show", run_id, "--diff", "b77/1")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr.startswith("hydra: The run has no branch 77: ")


def refusal(hydra: Hydra, *arguments: str) -> str:
    """Return the sentence by which a message is refused."""
    refused = hydra(*arguments)
    assert (refused.returncode, refused.stdout) == (2, ""), refused.stdout
    assert refused.stderr.startswith("hydra: ")
    assert refused.stderr.count("\n") == 1
    return refused.stderr.removeprefix("hydra: ").strip()


def test_a_message_that_comes_to_nothing_is_refused(hydra: Hydra, slow: "subprocess.Popen[str]") -> None:
    run_id = following(slow, "running the tests").split()[1]
    assert refusal(hydra, "reap", run_id, "--branch", "7") == "There is no branch 7: no branch is running."
    assert refusal(hydra, "reap", run_id) == (
        "No branch is running (running the tests at the base commit): wait until `hydra show` lists one."
    )
    for answer in ("approve", "reject"):
        assert refusal(hydra, answer, run_id) == (
            "The run does not wait for approval (running the tests at the base commit): "
            "wait until `hydra show` says that it does, or start it with --require-approval."
        )
    assert refusal(hydra, "override", run_id, "Look at the parser.") == (
        "Repair templates take nothing from an instruction but the files and functions that it names: name some, "
        "as in `parse()` or src/parser.py, or start a run with a model."
    )
    assert "message:" not in hydra("show", run_id).stdout
    assert hydra("abort", run_id).returncode == 0
    slow.communicate(timeout=30)
    assert "has ended" in refusal(hydra, "approve", run_id)


CODE = """def value():
    return 1
"""
SLOWER = """```python
def value():
    import time
    time.sleep(600)
```"""
TEST = """from code_ import value


def test_it():
    assert value() == 2
"""


def start_modelled(hydra: Hydra, folder: Path, *flags: str) -> "subprocess.Popen[str]":
    """Start a run whose model makes the tests so slow that its first branch goes on and on."""
    root = repository(folder / "modelled", {"code_.py": CODE, "test_it.py": TEST})
    script = folder / "script.jsonl"
    script.write_text(json.dumps({"purpose": "implement", "answer": SLOWER}) + "\n")
    hydra.env["HYDRA_TEMPLATES_FIRST"] = "false"
    command = hydra.start("fix", "--repo", root, "--issue", "value() is wrong", "--model", f"scripted:{script}", *flags)
    del hydra.env["HYDRA_TEMPLATES_FIRST"]
    return command


@pytest.fixture
def modelled(hydra: Hydra, tmp_path: Path) -> Iterator[str]:
    command = start_modelled(hydra, tmp_path)
    run_id = following(command, "b01 started").split()[1]
    yield run_id
    hydra("abort", run_id)
    command.communicate(timeout=60)


def test_a_branch_is_told_something_and_then_reaped(hydra: Hydra, modelled: str) -> None:
    overridden = hydra("override", modelled, "Look at the parser.")
    assert (overridden.returncode, overridden.stdout) == (
        0,
        f"{modelled}: b01 will read it in the next attempt; later branches will read it from their first attempt.\n",
    )
    assert refusal(hydra, "suggest", modelled, "Return 2.", "--place", "none.py:value") == (
        "There is no file none.py at the base of the run: correct --place FILE:FUNCTION."
    )
    suggested = hydra("suggest", modelled, "`value` has to return 2.")
    answer = "The suggestion gets the next branch: it is pursued at code_.py:value."
    assert (suggested.returncode, suggested.stdout) == (0, f"{modelled}: {answer}\n"), suggested.stderr
    reaped = hydra("reap", modelled, "--branch", "1", "--reason", "too slow")
    assert (reaped.returncode, reaped.stdout) == (0, f"{modelled}: b01 is reaped.\n")
    shown = hydra("show", modelled).stdout
    assert f"Reaped by {SENDER}: too slow" in shown
    assert f"message: override by {SENDER} after" in shown
    assert "Look at the parser." in shown
    assert f"b02 `value` has to return 2.  suggested by {SENDER}" in shown
    assert f"message: suggest by {SENDER} after" in shown
    assert f"suggested by {SENDER}" in hydra("report", modelled).stdout
    assert "b01 has ended already (reaped)" in refusal(hydra, "reap", modelled, "--branch", "1")


PAIR = """def low(values):
    return sorted(values)[1]


def high(values):
    return sorted(values)[-2]
"""
PAIR_TEST = """from pair import high, low


def test_both():
    assert (low([3, 1, 2]), high([3, 1, 2])) == (1, 9)
"""


@pytest.mark.parametrize("named", ["low", "high"])
def test_a_run_of_templates_goes_where_it_is_told(hydra: Hydra, tmp_path: Path, named: str) -> None:
    root = repository(tmp_path / "pair", {"pair.py": PAIR, "test_pair.py": PAIR_TEST})
    budget = ("--budget-branches", "1", "--budget-attempts", "1")
    command = hydra.start("fix", "--repo", root, "--issue", named, "--model", "templates", *budget)
    run_id = following(command, "taking a snapshot").split()[1]
    # Before it chooses its only strategy.
    assert hydra("pause", run_id).returncode == 0
    told = hydra("override", run_id, f"It has to be `{named}`.")
    assert hydra("resume", run_id).returncode == 0
    assert (told.returncode, told.stdout) == (
        0,
        f"{run_id}: later branches will begin with the places that it names.\n",
    )
    output, _ = command.communicate(timeout=120)
    assert command.returncode == 1, output
    assert f"in {named}() (pair.py)" in hydra("show", run_id).stdout


def test_signals_of_the_temporal_command_are_taken(hydra: Hydra, modelled: str) -> None:
    def signalled(name: str, *given: str) -> str:
        done = hydra("temporal", "workflow", "signal", "--workflow-id", modelled, "--name", name, *given)
        assert done.returncode == 0, done.stderr
        return hydra("show", modelled).stdout

    shown = signalled("pause")
    assert "paused (" in shown
    assert "message: pause by an unknown sender after" in shown
    resumed = signalled("resume", "--input", json.dumps("ann@laptop"))
    assert "message: resume by ann@laptop after" in resumed
    assert "paused (" not in resumed
    # So that the run does not end by itself meanwhile.
    assert "paused (" in signalled("pause")
    assert "message: override by an unknown sender after" in signalled("override", "--input", '"Look at the parser."')
    # Neither stops the run, nor does it count.
    before = signalled("override")
    assert before.count("message:") == signalled("pause", "--input", '{"a": [1]}').count("message:") == 4
    ended = signalled("abort", "--input", '"Enough."')
    deadline = time.monotonic() + 30
    while "aborted" not in ended and time.monotonic() < deadline:
        ended = hydra("show", modelled).stdout
    assert "Aborted by an unknown sender: Enough." in ended


def test_a_message_that_no_supervisor_takes_has_no_effect_later(hydra: Hydra, modelled: str) -> None:
    supervisor = hydra.find_worker("supervisor")
    supervisor.suspend()
    try:
        assert refusal(hydra, "override", modelled, "Look at the parser.") == (
            f"No supervisor took the message to {modelled} within 5 seconds, so it was withdrawn and "
            "will have no effect: start one (`hydra up`, or `hydra worker supervisor`) and send it again."
        )
    finally:
        supervisor.resume()
    assert "message:" not in hydra("show", modelled).stdout
    assert hydra("override", modelled, "Look at the lexer.").returncode == 0
    shown = hydra("show", modelled).stdout
    assert ("Look at the lexer." in shown, "Look at the parser." in shown) == (True, False)


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hydra]:
    """A stack of this file's own, whose tests kill and end it: the next command starts it again."""
    with stack(tmp_path_factory.mktemp("fragile") / "data") as own:
        yield own


def test_a_night_switched_off_is_not_in_the_time_budget(fragile: Hydra, tmp_path: Path) -> None:
    budget = 30
    with start_modelled(fragile, tmp_path, "--budget-seconds", str(budget)) as command:
        run_id = following(command, "b01 started").split()[1]
        fragile.kill()
    time.sleep(budget)
    assert fragile("up").returncode == 0
    shown = fragile("show", run_id).stdout
    assert "working" in shown, shown
    assert fragile("abort", run_id).returncode == 0


@pytest.mark.parametrize("part", ["temporal", "postgres", "workers.embedded"])
def test_a_run_goes_on_when_a_part_of_its_stack_is_killed(fragile: Hydra, tmp_path: Path, part: str) -> None:
    root = repository(tmp_path / "shop", SHOP)
    command = fragile.start("fix", "--repo", root, "--issue", "ten", "--model", "templates")
    run_id = following(command, "running the tests").split()[1]
    for process in fragile.processes():
        with contextlib.suppress(psutil.NoSuchProcess):  # which ended with the one before it
            if process.info["name"] == part or part in process.info["cmdline"]:
                process.kill()
    following(command, "b01 started")
    assert fragile("abort", run_id).returncode == 0
    output, _ = command.communicate(timeout=60)
    assert command.returncode == 3, output
    assert "Traceback" not in output


def test_a_command_whose_stack_is_ended_says_so_in_a_sentence(fragile: Hydra, tmp_path: Path) -> None:
    root = repository(tmp_path / "slow", SLOW)
    command = fragile.start("fix", "--repo", root, "--issue", "slow", "--model", "templates")
    following(command, "running the tests")
    assert fragile("down").returncode == 0
    output, _ = command.communicate(timeout=60)
    assert command.returncode == 2, output
    assert "Traceback" not in output
    # Nor does Temporal's client write anything of its own.
    *progress, sentence = output.splitlines()
    assert [line for line in progress if not line.startswith("waiting: ")] == []
    assert "Run the command again" in sentence
