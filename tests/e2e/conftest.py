"""The real command on the real stack, in a data folder of the tests' own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs
import psutil
import pytest

from hydra_cli.bench.suite import build_tree, read_suite
from hydranet.contracts import RunResult
from hydranet.genealogy import Genealogy

SEEDED = Path(__file__).parents[2] / "benchmarks" / "seeded"
SMALL = {
    "a.py": "def f(x):\n    return x < 1\n",
    "test_a.py": "from a import f\n\n\ndef test_one():\n    assert f(1)\n\n\ndef test_two():\n    assert not f(2)\n",
    "b.py": "",
}
HYDRA = Path(sysconfig.get_path("scripts")) / "hydra"

# In a job in the background a shell has SIGINT ignored, which all that is started here would take over.
signal.signal(signal.SIGINT, signal.default_int_handler)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=T", "-c", "user.email=t@localhost", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def repository(folder: Path, files: dict[str, str]) -> Path:
    """A one-commit repository with these files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "base")
    return folder


@dataclass
class Hydra:
    """The `hydra` command with its own data folder."""

    data: Path
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        own = {
            "HYDRA_DATA_DIR": str(self.data),
            "XDG_CONFIG_HOME": str(self.data / "config"),
            # Small bugs have many fixes, between which only tests of answers have anybody choose.
            "HYDRA_SANDBOX__COMPARE_SECONDS": "0",
        }
        return {**os.environ, **own, **self.env}

    def __call__(self, *arguments: str | Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [HYDRA, *map(str, arguments)], env=self.environment(), capture_output=True, text=True, timeout=timeout
        )

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [HYDRA, *map(str, arguments)],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def json(self, *arguments: str | Path) -> tuple[RunResult, Genealogy]:
        done = self(*arguments, "--json")
        assert done.stdout, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return RunResult.model_validate(said["result"]), Genealogy.model_validate(said["genealogy"])

    def processes(self) -> list[psutil.Process]:
        """Every process of this data folder's stack and of what it started, with its name and command line.

        They are in `info`, since a process that has ended meanwhile cannot be asked.
        """
        found = []
        for process in psutil.process_iter(["name", "cmdline"]):
            with contextlib.suppress(psutil.Error):
                if str(self.data) in " ".join(process.info["cmdline"] or ()) or str(self.data) in str(
                    process.environ().get("HYDRA_DATA_DIR", "")
                ):
                    found.append(process)
        return found

    def find_worker(self, role: str) -> psutil.Process:
        """The process of the role's worker."""
        (worker,) = [process for process in self.processes() if process.info["cmdline"][:1] == [f"hydra worker {role}"]]
        return worker

    def kill(self) -> None:
        """Kill -9 of everything at once."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()


def following(command: subprocess.Popen[str], text: str) -> str:
    """Read the command's output until a line holds `text`, and return all of it so far."""
    said = ""
    assert command.stdout is not None
    for line in command.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"{text!r} never came: {said}")


def data_folder(path: Path) -> Path:
    """A data folder whose cache is the tests' shared one, so that environments are installed once."""
    cache = platformdirs.user_cache_path("hydranet-tests")
    cache.mkdir(parents=True, exist_ok=True)
    path.mkdir()
    (path / "cache").symlink_to(cache)
    return path


@contextlib.contextmanager
def stack(path: Path) -> Iterator[Hydra]:
    hydra = Hydra(data_folder(path))
    try:
        yield hydra
        hydra("down")
    finally:
        hydra.kill()
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def hydra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hydra]:
    """One stack for all tests that leave it as it was."""
    with stack(tmp_path_factory.mktemp("stack") / "data") as shared:
        shared.env["HYDRA_MODELS__INVESTIGATIONS"] = "2"
        up = shared("up")
        assert up.returncode == 0, up.stderr
        yield shared


@pytest.fixture
def own_hydra(tmp_path: Path) -> Iterator[Hydra]:
    """A stack of the test's own, not started."""
    with stack(tmp_path / "data") as own:
        yield own


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository with a bug that the first strategy fixes."""
    return repository(tmp_path / "small", SMALL)


def build_depot(folder: Path) -> Path:
    """The seeded bug whose cause is in another file than the traceback's top."""
    return repository(build_tree(read_suite(SEEDED, ["depot-tiers"])[1]["depot-tiers"], folder), {})


@pytest.fixture
def depot(tmp_path: Path) -> Path:
    return build_depot(tmp_path / "depot")
