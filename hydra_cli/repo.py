"""`hydra repo`: the repositories of this machine in which runs may work."""

from pathlib import Path
from typing import Annotated

import typer

from activities.checkpoints.registry import RepositoryRegistry
from hydra_cli.repository import Repository
from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import UsageError

GROUP = typer.Typer(
    name="repo",
    no_args_is_help=True,
    add_completion=False,
    help="Say in which repositories of this machine runs may work.",
)

_Repository = Annotated[Path, typer.Argument(help="The Git repository.")]


@GROUP.command()
def add(repository: _Repository = Path()) -> None:
    """Let runs work in a repository of this machine; `hydra fix` in it does so too."""
    path = str(Repository.open(repository).path)
    added = _open_registry().add(path)
    write_line(f"Runs may work in {path}{'' if added else ', as before'}.")


@GROUP.command("list")
def list_repositories() -> None:
    """List the repositories of this machine in which runs may work."""
    for path in _open_registry().paths:
        write_line(path)


@GROUP.command()
def remove(repository: _Repository = Path()) -> None:
    """Let no further run work in a repository; what was published in it stays."""
    registry = _open_registry()
    # One that is gone, or is no repository any more, is taken out by the path that the list shows.
    named = str(repository) if str(repository) in registry.paths else _find_top(repository)
    if not registry.remove(named):
        raise UsageError(f"{named} is not registered here: `hydra repo list` shows what is.")
    write_line(f"No run may work in {named} any more.")


def _find_top(path: Path) -> str:
    try:
        return str(Repository.open(path).path)
    except UsageError:
        return str(path.resolve())


def _open_registry() -> RepositoryRegistry:
    return RepositoryRegistry(settings.load_settings().data_dir)
