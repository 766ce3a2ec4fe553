"""What the constitution says of a fix, where it is published, what it writes and would disclose, and the reviewer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from activities.checkpoints.fix_diff import make_fix_diff
from activities.checkpoints.fix_review import review_code
from activities.checkpoints.secret_scan import find_secrets
from activities.git.packs import unbundle
from activities.git.reader import ObjectReader
from activities.git.trees import REPOSITORY, walk_tree
from activities.git.user_repository import UserRepository
from hydranet.contracts import FIX_BRANCH, PublishRequest, Review
from hydranet.policy.constitution import Constitution, Decision, Effect

_LIMIT = 60
"""The most decisions that are named: the record of a run holds a hundred."""

_SEVERITY = {Effect.ALLOWED: 0, Effect.SUPERVISED: 1, Effect.REFUSED: 2}


class _Change(NamedTuple):
    path: str
    added: list[tuple[int, str]]


def review(
    request: PublishRequest,
    bundles: Mapping[str, bytes],
    rules: Constitution,
    *,
    shows: bool = False,
    issue: str = "",
) -> Review:
    """Return the decisions about publishing a fix that are not plain permissions, the strictest first.

    Where it is to be shown, its diff comes with them, and what the reviewer objects to who reads the `issue` too.

    `bundles` are those of the commits that have one. The user's repository is read and not written to: the objects of
    the fix lie in a folder of their own meanwhile.
    """
    if request.fix is None:
        return Review()
    decisions = [rules.decide("publish", f"{FIX_BRANCH}{request.slug}")]
    repository = UserRepository.find(Path(request.repository_path))
    if request.apply:
        decisions.append(rules.decide("apply", repository.branch))
    with repository.open() as folder:
        for commit, bundle in bundles.items():
            unbundle(folder, bundle, commit)
        changed: list[str] = []
        for change in _list_changes(folder, request.base, request.fix.commit):
            changed.append(change.path)
            # Some file systems also find .envrc as .ENVRC.
            written = (rules.decide("write", name) for name in (change.path, change.path.casefold()))
            decisions.append(max(written, key=_rank))
            for number, kind in find_secrets(change.path, change.added):
                decisions.append(rules.decide("disclose", f"{change.path}:{number} ({kind})"))
        commits = (request.base, request.fix.commit)
        diff = make_fix_diff(folder, *commits) if shows else ""
        objections = review_code(folder, *commits, changed, request.tests, issue) if shows else ()
    kept = [decision for decision in decisions if decision.effect is not Effect.ALLOWED]
    strictest = tuple(sorted(dict.fromkeys(kept), key=_rank, reverse=True))[:_LIMIT]
    return Review(decisions=strictest, diff=diff, objections=objections)


def find_unapproved(decisions: Sequence[Decision], approved: Sequence[Decision]) -> Decision | None:
    """Return the first decision that forbids a publication, or that a person has not approved."""
    known = {_identify(decision) for decision in approved}
    for decision in decisions:
        if decision.effect is Effect.REFUSED or _identify(decision) not in known:
            return decision
    return None


def _identify(decision: Decision) -> tuple[str, str, str]:
    # The branch that is checked out may have changed since a person was asked.
    subject = "" if decision.operation == "apply" else decision.subject
    return decision.operation, decision.rule, subject


def _rank(decision: Decision) -> int:
    return _SEVERITY[decision.effect]


def _list_changes(folder: Path, base: str, fix: str) -> Iterator[_Change]:
    # The trees themselves are compared: attributes of the repository could hide lines from a diff.
    before, after = (
        {item.name: (item.kind, item.mode, item.oid) for item in walk_tree(folder, commit).items}
        for commit in (base, fix)
    )
    with ObjectReader(folder) as reader:
        for path in sorted(before.keys() | after.keys()):
            old, new = before.get(path), after.get(path)
            if old != new:
                contents = (
                    # Files and links have a content; a submodule is a commit of elsewhere.
                    reader.read(item[2], "blob") if item is not None and item[0] != REPOSITORY else b""
                    for item in (old, new)
                )
                shown = path.encode("utf-8", "surrogateescape").decode(errors="replace")
                yield _Change(shown, list(_list_added(*contents)))


def _list_added(before: bytes, after: bytes) -> Iterator[tuple[int, str]]:
    # A line that was there, and has only moved, is not new.
    left = Counter(before.split(b"\n"))
    for number, line in enumerate(after.split(b"\n"), 1):
        if left[line] > 0:
            left[line] -= 1
        else:
            yield number, line.decode(errors="replace")
