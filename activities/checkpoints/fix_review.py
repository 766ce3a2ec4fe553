"""The reviewer's objections to a fix, of which a git folder of ours has the objects."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path

from activities.git.trees import find_python_mentions, read_blob, walk_tree
from activities.review.reviewer import find_objections, is_reviewed
from activities.review.test_sources import read_test_sources
from activities.review.test_values import collect_values
from hydranet.objection import Objections


def review_code(
    folder: Path, base: str, fix: str, changed: Collection[str], tests: Collection[str], issue: str
) -> Objections:
    """Return what the reviewer objects to in the `changed` files of a fix; `tests` are the ids of the target tests."""
    paths = [path for path in changed if is_reviewed(path)]
    before = {path: text for path in paths if (text := read_blob(folder, base, path)) is not None}
    after = {path: read_blob(folder, fix, path) for path in paths}
    if not paths:
        return ()
    # From the fix, which has the tests that the run wrote.
    files = walk_tree(folder, fix).files
    values = collect_values(read_test_sources(tests, files, partial(read_blob, folder, fix)), tests)
    mentions = partial(find_python_mentions, folder, fix)
    return find_objections(before, after, values, tests=tests, issue=issue, find_mentions=mentions)
