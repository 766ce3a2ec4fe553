"""Build backends that try everything they can reach while a repository is set up: they get nothing of the host.

The installation itself has to work all the while, through the proxy to the package index.
"""

import json
import shutil
from pathlib import Path

import pytest

from activities.sandbox import dependencies
from activities.sandbox.protocol import Sandbox
from activities.sandbox.variables import Variables
from activities.sandbox.virtual_environments import EnvironmentCache
from hydranet.contracts import SandboxSpec
from tests.e2e.escape.conftest import METADATA, NEIGHBOUR, NEIGHBOUR_6, PROGRAMS, Bait
from tests.e2e.escape.test_doors import FEWEST, check_reports
from tests.integration.conftest import CACHE

# A setup may write to the environment that it makes, and has larger limits on files.
LEFT_OUT = ("write_what_the_sandbox_is_made_of", "unpack_a_zip_bomb")

ATTACK = f"""
import os, subprocess, sys
if not os.path.exists("/env/reports"):
    with open("/env/reports", "w") as reports:
        command = [sys.executable, "-B", "/work/programs", "--without", *{LEFT_OUT!r}]
        subprocess.run(command, stdout=reports, cwd="/work/programs")
"""
SETUP = ATTACK + "from setuptools import setup\nsetup(name='evil', py_modules=[])\n"
BACKEND = ATTACK + "from setuptools.build_meta import *\n"
PROJECT = """
[project]
name = "evil"
version = "1.0"
dynamic = ["dependencies"]
[build-system]
requires = ["setuptools>=77"]
build-backend = "backend"
backend-path = ["."]
[tool.setuptools]
py-modules = []
"""
REPOSITORIES = {
    "setup.py": {"setup.py": SETUP},
    "a backend of its own": {"pyproject.toml": PROJECT, "backend.py": BACKEND},
    "a set-up command": {"attack.py": ATTACK},
}


@pytest.mark.parametrize("kind", REPOSITORIES)
async def test_no_setup_gets_out(sandbox: Sandbox, bait: Bait, tmp_path: Path, kind: str) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(PROGRAMS, tree / "programs", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in {**REPOSITORIES[kind], "bait.json": json.dumps(bait.facts)}.items():
        (tree / name).write_text(text)
    lines = ("python3 attack.py", "pip install six") if kind == "a set-up command" else ()
    spec = SandboxSpec(setup=lines, setup_timeout=400)
    base = await EnvironmentCache(sandbox, CACHE).prepare(dependencies.plan_base(sandbox), tree, spec)
    cache = tmp_path / "cache"
    shutil.copytree(base.parent, cache / "environments" / base.parent.name, symlinks=True)
    bait_place = Variables({"BAIT": "/work/bait.json"}, "bait")
    plan = dependencies.plan_install(
        sandbox, spec, REPOSITORIES[kind], has_src=False, commit="a" * 40, variables=bait_place
    )
    environment = await EnvironmentCache(sandbox, cache).prepare(plan, tree, spec)
    reports = check_reports((environment / "reports").read_text())
    assert len(reports) >= FEWEST - len(LEFT_OUT)
    # What had to be installed for the attack, or after it, came through the proxy.
    installed = {path.name for path in environment.glob("lib/python3*/site-packages/*")}
    assert any("evil" in name or name == "six.py" for name in installed)
    tried = [line for report in reports for line in str(report["output"]).split("held: ")]
    for host in (NEIGHBOUR, NEIGHBOUR_6, *METADATA) if bait.facts["stand_ins"] else ():
        assert any(line.startswith(f"connect to {host} (") for line in tried)
    bait.untouched()
