"""Submodules: other repositories at paths of a tree, whose files come along when the user has them checked out."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from activities.git.trees import CommitTree, is_inside
from activities.git.user_repository import UserRepository
from hydranet.errors import FatalError


@dataclass(frozen=True)
class PlacedTree:
    """All that a commit holds, and where: `folder` is a submodule's path with a slash behind it; empty at the top."""

    folder: str
    repository: Path
    listing: CommitTree

    @property
    def submodules(self) -> dict[str, str]:
        """The commits of the submodules that the tree names, by their paths from the top."""
        return {f"{self.folder}{path}": commit for path, commit in self.listing.submodules.items()}


def list_missing(trees: Sequence[PlacedTree]) -> list[str]:
    """Return the paths of the submodules that are named in `trees` and not among them, sorted."""
    named = {path for tree in trees for path in tree.submodules}
    return sorted(named - {tree.folder.removesuffix("/") for tree in trees})


def find_submodule(above: UserRepository, path: str) -> UserRepository | None:
    """Return the repository that the files of `above` have at `path`; None when there is none that may be opened.

    What .gitmodules declares does not count: the repository in that very folder is the submodule.
    """
    folder = above.folder / path
    if above.is_bare or not is_inside(path) or not os.path.lexists(folder / ".git"):
        return None
    try:
        repository = UserRepository.find(folder)
    except FatalError:
        return None
    # Its folder has been resolved, so it differs when a link leads there.
    return repository if repository.folder == folder and not repository.is_bare else None
