"""Programs that try to escape, each through every door it knows: all have to be closed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from activities.sandbox import dependencies
from activities.sandbox.protocol import Job, Limits, Sandbox
from activities.sandbox.virtual_environments import EnvironmentCache
from hydranet.contracts import SandboxSpec
from tests.e2e.escape.conftest import LIMITS, PROGRAMS, Bait, Prison
from tests.integration.conftest import CACHE

FEWEST = 95
# Programs that do no harm when they run outside of a sandbox.
HARMLESS = ["read_files_of_the_host", "read_another_run", "tcp", "udp", "ipv6", "unix_sockets_of_the_host"]
HARMLESS += ["neighbours", "see_others", "secrets_in_the_environment", "shared_memory_of_the_host"]
REACHING = ("tcp", "udp", "ipv6", "neighbours", "unix_sockets_of_the_host")


def check_reports(output: str) -> list[dict[str, object]]:
    """Return the report of each program, after checking that it ended, tried something and found no door open."""
    reports = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    open_doors = [
        (report["program"], line)
        for report in reports
        for line in report["output"]
        if not str(line).startswith("held: ")
    ]
    assert not open_doors, "\n".join(map(str, open_doors))
    assert [report["program"] for report in reports if report["status"] != 0 or not report["output"]] == []
    return reports


async def test_no_program_gets_out(prison: Prison, bait: Bait) -> None:
    done = await prison.run(("python3", "-B", "."), bait=bait)
    assert (done.exit_status, done.reason) == (0, ""), done.output[-2000:]
    assert len(check_reports(done.output)) >= FEWEST
    bait.untouched()


CONFTEST = """
import json, os, runpy, subprocess, sys
os.chdir("/work/programs")
output = subprocess.run([sys.executable, "-B", "."], capture_output=True, text=True).stdout
sys.__stderr__.write(output)
sys.__stderr__.flush()
"""


@pytest.mark.parametrize("name", ["conftest.py", "evil_plugin.py"])
async def test_nothing_that_pytest_loads_gets_out(sandbox: Sandbox, bait: Bait, tmp_path: Path, name: str) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(PROGRAMS, tree / "programs", ignore=shutil.ignore_patterns("__pycache__"))
    (tree / name).write_text(CONFTEST)
    (tree / "test_a.py").write_text("def test_a(): pass\n")
    environment = await EnvironmentCache(sandbox, CACHE).prepare(dependencies.plan_base(sandbox), tree, SandboxSpec())
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (inputs / "bait.json").write_text(json.dumps(bait.facts))
    results = tmp_path / "results"
    results.touch()
    plugin = ("-p", "evil_plugin") if name == "evil_plugin.py" else ()
    command = ("python3", "-m", "pytest", "-q", "-s", *plugin, "test_a.py")
    done = await sandbox.run(
        Job(command, tree, Limits(**vars(LIMITS)), environment=environment, inputs=inputs, results=results)
    )
    assert "1 passed" in done.output
    assert len(check_reports(done.output)) >= FEWEST
    bait.untouched()


@pytest.mark.parametrize("name", HARMLESS)
def test_the_programs_see_an_open_door(bait: Bait, tmp_path: Path, name: str) -> None:
    """Without a sandbox the same programs succeed, so the other tests can fail."""
    if name == "neighbours" and not bait.facts["stand_ins"]:
        pytest.skip("only root can make the hosts that stand in for neighbours, with iproute2")
    facts = tmp_path / "bait.json"
    facts.write_text(json.dumps(bait.facts))
    ran = subprocess.run(
        [sys.executable, "-B", PROGRAMS, name],
        cwd=tmp_path,
        env={**os.environ, "BAIT": str(facts)},
        capture_output=True,
        text=True,
    )
    assert "ESCAPED" in ran.stdout or bait.reached, ran.stderr
    assert bool(bait.reached) == (name in REACHING)


async def test_hooks_that_a_run_leaves_are_gone(prison: Prison, bait: Bait, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    line = f"mkdir -p .git/hooks && echo 'echo x > {bait.secret}' > .git/hooks/post-checkout && ls -A .git"
    done = await prison.run(("/bin/sh", "-c", line), tree=tree, bait=bait)
    assert done.output == "hooks\n"
    assert list(tree.iterdir()) == []
    again = await prison.run(("/bin/sh", "-c", "ls -A"), tree=tree)
    assert again.output == ""


async def test_links_in_the_snapshot_lead_nowhere_outside(prison: Prison, bait: Bait, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "secret").symlink_to(bait.secret)
    (tree / "up").symlink_to("../" * 30 + str(bait.secret)[1:])
    (tree / "root").symlink_to("/")
    (tree / "loop").symlink_to(".")
    line = f"cat secret up root{bait.secret} loop/loop/loop/secret; echo x > secret; ls root/tree"
    done = await prison.run(("/bin/sh", "-c", line), tree=tree)
    assert bait.facts["word"] not in done.output
    assert "loop" in done.output
    bait.untouched()
