"""What a tree only stands for: submodules, and files of Git LFS, whose content lies elsewhere."""

from pathlib import Path

from activities.git.trees import CommitTree, measure_contents, read_contents
from hydranet.text.formatting import join_words

POINTER = "version https://git-lfs.github.com/spec/"
"""What a file begins with that stands for one in Git LFS."""

# Pointers have three short lines.
_POINTER_BYTES = range(100, 250)


def describe_placeholders(repository: Path, listing: CommitTree) -> str:
    """Return what the tests may miss, for people; empty when the tree holds all that it names."""
    submodules = sorted(listing.submodules)
    sizes = measure_contents(repository, listing)
    small = dict.fromkeys(item.oid for item in listing.items if sizes.get(item.oid) in _POINTER_BYTES)
    pointers = {oid for oid, content in read_contents(repository, small) if content.startswith(POINTER.encode())}
    files = sorted(item.name for item in listing.items if item.oid in pointers)
    kinds = (("without the content of the submodules", submodules), ("without the Git LFS content of", files))
    return "; ".join(f"{kind} {join_words(names)}" for kind, names in kinds if names)
