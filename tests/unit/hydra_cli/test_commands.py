"""The list of commands: complete, true, and printed without importing what the commands import."""

import subprocess
import sys
from importlib import import_module

import pytest

from hydra_cli.commands import LISTINGS, name_function

SLOW = ("docker", "git", "numpy", "psycopg", "pydantic", "temporalio", "tree_sitter", "yaml")
HELP = """
import sys
from hydra_cli import app
try:
    app(["--help"])
finally:
    print("imported", *sys.modules)
"""


def test_help_lists_the_commands_and_imports_none() -> None:
    finished = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    screen, _, modules = finished.stdout.rpartition("imported ")
    assert [name for name in LISTINGS if f" {name} " not in screen] == []
    assert {module.partition(".")[0] for module in modules.split()}.isdisjoint(SLOW)
    ours = {module for module in modules.split() if module.startswith("hydra_cli.")}
    assert ours == {"hydra_cli.commands", "hydra_cli.terminal"}


def test_to_start_a_run_imports_nothing_of_its_work_nor_of_following_it() -> None:
    """A hundred detached runs are started by as many commands."""
    code = "import sys; import hydra_cli.fix; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    needless = (
        "cryptography.x509",
        "docker",
        "httpx",
        "psycopg_pool",
        "rich.live",
        "temporalio.worker",
        "textual",
        "workers.roles",
    )
    assert set(needless).isdisjoint(modules)


@pytest.mark.parametrize("name", LISTINGS)
def test_a_command_is_listed_as_its_own_help_begins(name: str) -> None:
    listing = LISTINGS[name]
    module = import_module(f"hydra_cli.{listing.module}")
    if hasattr(module, "GROUP"):
        assert module.GROUP.info.help == listing.help
        return
    command = getattr(module, name_function(name))
    assert command.__doc__.splitlines()[0] == listing.help
