"""What a tree only stands for: submodules, and files of Git LFS, whose content lies elsewhere."""

from collections.abc import Iterator, Sequence

from activities.git.submodules import PlacedTree, list_missing
from activities.git.trees import measure_contents, read_contents
from hydranet.text.formatting import join_words

POINTER = "version https://git-lfs.github.com/spec/"
"""What a file begins with that stands for one in Git LFS."""

# Pointers have three short lines.
_POINTER_BYTES = range(100, 250)


def describe_placeholders(trees: Sequence[PlacedTree]) -> str:
    """Return what the tests may miss, for people; empty when a commit and its submodules hold all that they name."""
    files = sorted(path for tree in trees for path in _list_pointers(tree))
    kinds = (("without the content of the submodules", list_missing(trees)), ("without the Git LFS content of", files))
    return "; ".join(f"{kind} {join_words(names)}" for kind, names in kinds if names)


def _list_pointers(tree: PlacedTree) -> Iterator[str]:
    items, sizes = tree.listing.items, measure_contents(tree.repository, tree.listing)
    small = dict.fromkeys(item.oid for item in items if sizes.get(item.oid) in _POINTER_BYTES)
    contents = read_contents(tree.repository, small)
    pointers = {oid for oid, content in contents if content.startswith(POINTER.encode())}
    return (f"{tree.folder}{item.name}" for item in items if item.oid in pointers)
