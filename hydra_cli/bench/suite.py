"""A suite of bugs: a folder with `suite.json` and a folder per instance.

An instance's `instance.json` describes the bug. Its files are in `repo/`; or they are those of the suite's
`packages/NAME`, which several instances share, with the instance's own `bug.patch` applied.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from activities.git.command import GitError, run_git
from activities.git.trees import is_inside
from hydra_cli.repository import Repository
from hydranet.errors import UsageError
from hydranet.invalid_values import explain_field
from hydranet.patches import is_git_name
from hydranet.settings import SandboxSettings, Settings

BUG = "bug.patch"
GOLD = "gold.patch"
HIDDEN = "hidden"


def _check_name(name: str) -> str:
    if name in ("", ".") or "/" in name or not is_inside(name):
        raise ValueError(f"{name!r} is not the plain name of a folder")
    return name


FolderName = Annotated[str, AfterValidator(_check_name)]


class BugInstance(BaseModel):
    """A bug of a suite; `gold_files` and `gold_symbols` are for measuring, and never shown to a model."""

    model_config = ConfigDict(extra="ignore")

    id: str
    issue: Annotated[str, Field(pattern=r"\S")]
    package: FolderName | None = None
    test_command: str = "python -m pytest -q"
    test_timeout_s: float = 300.0
    setup: list[str] = []
    env: dict[str, str] = {}
    gold_files: list[str] = []
    gold_symbols: list[str] = []
    folder: Path = Path()

    @property
    def files(self) -> Path:
        """The folder with the instance's files, its bug not yet in them where it has a package."""
        if self.package is None:
            return self.folder / "repo"
        return self.folder.parent / "packages" / self.package

    @property
    def sandbox(self) -> dict[str, Any]:
        """The settings of the sandbox that are the instance's own."""
        return {
            "setup": tuple(self.setup),
            "env": self.env,
            "test_command": self.test_command,
            "test_timeout": self.test_timeout_s,
        }

    def merge_settings(self, chosen: Settings) -> Settings:
        """Return the settings with the instance's own in them."""
        return chosen.model_copy(update={"sandbox": chosen.sandbox.model_copy(update=self.sandbox)})


class Suite(BaseModel):
    """A suite's `suite.json`: its name and the folders of its instances."""

    model_config = ConfigDict(extra="ignore")

    name: str
    instances: list[FolderName]


def read_suite(folder: Path, only: list[str]) -> tuple[Suite, dict[str, BugInstance]]:
    """Read a suite and its instances by folder name, all or `only` some; UsageError for a suite that is wrong."""
    path = folder / "suite.json"
    with _refuse_invalid(path):
        suite = Suite.model_validate_json(path.read_bytes())
    if unknown := sorted(set(only) - set(suite.instances)):
        raise UsageError(f"The suite {suite.name} has no instance '{unknown[0]}': see {path}.")
    names = [name for name in suite.instances if not only or name in only]
    return suite, {name: _read_instance(folder / name) for name in names}


def build_tree(instance: BugInstance, target: Path) -> Path:
    """Write an instance's files with its bug to `target`, a new folder, and return it."""
    try:
        # A plain tree: what a repository in it declares is not obeyed.
        shutil.copytree(instance.files, target, symlinks=True, ignore=lambda _, names: {*filter(is_git_name, names)})
    except shutil.Error as error:
        raise UsageError(f"{error.args[0][0][0]} cannot be copied: make it a plain file that can be read.") from None
    if (patch := _bug(instance)) is not None:
        apply_patch(patch, target)
    return target


def check_out(instance: BugInstance, target: Path) -> Repository:
    """Make `target`, a new folder, a one-commit repository with an instance's files."""
    build_tree(instance, target)
    dates = {"GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z"}
    run_git(target, "init", "--quiet", "--initial-branch=main")
    run_git(target, "add", "--all", "--force")
    run_git(target, "commit", "--quiet", "--message", "The bug", env=dates)
    return Repository.open(target)


def apply_patch(patch: Path, folder: Path, *options: str) -> None:
    """Apply a patch of a suite below `folder` and nowhere else; UsageError where it does not apply."""
    # In a repository git would obey its configuration, and skip what the patch changes without a word.
    outside = {"GIT_DIR": os.devnull}
    try:
        run_git(folder, "apply", "--whitespace=nowarn", *options, str(patch.resolve()), env=outside)
    except GitError as error:
        raise UsageError(f"{patch} does not apply to {folder} ({error.reason}): make the patch anew.") from None


def _bug(instance: BugInstance) -> Path | None:
    patch = instance.folder / BUG
    return patch if instance.package is not None and patch.exists() else None


def _read_instance(folder: Path) -> BugInstance:
    """Read an instance and check its files, so that a wrong suite is told before its first run."""
    path = folder / "instance.json"
    with _refuse_invalid(path):
        instance = BugInstance.model_validate_json(path.read_bytes()).model_copy(update={"folder": folder})
        SandboxSettings.model_validate(instance.sandbox)
    if instance.package is not None and (folder / "repo").exists():
        raise UsageError(f"{folder} has a folder repo and names the package '{instance.package}': keep one of them.")
    if not instance.files.is_dir():
        raise UsageError(f"{instance.files} is not a folder: put the files of {instance.id} there, or correct {path}.")
    if (patch := _bug(instance)) is not None:
        apply_patch(patch, instance.files, "--check")
    return instance


@contextmanager
def _refuse_invalid(path: Path) -> Iterator[None]:
    """Turn what is wrong with a file of a suite into a UsageError."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): name a suite's folder with --suite.") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {explain_field(error)}; correct the suite.") from None
