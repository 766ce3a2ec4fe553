"""A suite of bugs: a folder with `suite.json`, and one with `instance.json` and `repo/` per bug."""

import shutil
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from activities.git.command import run_git
from hydra_cli.repository import Repository
from hydranet.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)


class BugInstance(BaseModel):
    """A bug of a suite, as its `instance.json` describes it; what is gold is for measuring retrieval alone."""

    model_config = ConfigDict(extra="ignore")

    id: str
    issue: str
    test_command: str = "python -m pytest -q"
    test_timeout_s: float = 300.0
    setup: list[str] = []
    env: dict[str, str] = {}
    gold_files: list[str] = []
    gold_symbols: list[str] = []

    @property
    def sandbox(self) -> dict[str, Any]:
        """The settings of the sandbox that are the instance's own."""
        return {
            "setup": self.setup,
            "env": self.env,
            "test_command": self.test_command,
            "test_timeout": self.test_timeout_s,
        }


class Suite(BaseModel):
    """A suite's `suite.json`: its name and the folders of its instances."""

    model_config = ConfigDict(extra="ignore")

    name: str
    instances: list[str]


def read_suite(folder: Path, only: list[str]) -> tuple[Suite, dict[str, BugInstance]]:
    """The suite and its instances by folder name, all or `only` some; UsageError for a suite that is wrong."""
    suite = _model(folder / "suite.json", Suite)
    if unknown := sorted(set(only) - set(suite.instances)):
        raise UsageError(f"The suite {suite.name} has no instance '{unknown[0]}': see {folder / 'suite.json'}.")
    names = [name for name in suite.instances if not only or name in only]
    return suite, {name: _model(folder / name / "instance.json", BugInstance) for name in names}


def commit_tree(source: Path, target: Path) -> Repository:
    """A one-commit repository with the files of `source`."""
    shutil.copytree(source, target, symlinks=True)
    dates = {"GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z"}
    run_git(target, "init", "--quiet", "--initial-branch=main")
    run_git(target, "add", "--all", "--force")
    run_git(target, "commit", "--quiet", "--message", "The bug", env=dates)
    return Repository.open(target)


def _model(path: Path, kind: type[Model]) -> Model:
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): name a suite's folder with --suite.") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}; correct the suite.") from None
