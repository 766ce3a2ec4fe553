"""What the constitution says of a fix: where it is published, which files it writes, and what it would disclose."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from activities.checkpoints.secret_scan import find_secrets
from activities.git.command import run_git
from hydranet.contracts import FIX_BRANCH, PublishRequest
from hydranet.policy.constitution import Constitution, Decision, Effect

_LIMIT = 60
"""The most decisions that are named: the record of a run holds a hundred."""

_SEVERITY = {Effect.ALLOWED: 0, Effect.SUPERVISED: 1, Effect.REFUSED: 2}


class _Change(NamedTuple):
    path: str
    added: list[tuple[int, str]]


def review(request: PublishRequest, bundles: Sequence[bytes], rules: Constitution) -> tuple[Decision, ...]:
    """Return the decisions about publishing a fix that are not plain permissions, the strictest first.

    The user's repository is read and not written to: the objects of the fix lie in a folder of their own meanwhile.
    """
    if request.fix is None:
        return ()
    decisions = [rules.decide("publish", f"{FIX_BRANCH}{request.slug}")]
    path = Path(request.repository_path)
    if request.apply:
        decisions.append(rules.decide("apply", _find_branch(path)))
    for change in _list_changes(path, request.base, request.fix.commit, bundles):
        # Some file systems also find .envrc as .ENVRC.
        written = (rules.decide("write", name) for name in (change.path, change.path.casefold()))
        decisions.append(max(written, key=_rank))
        for number, kind in find_secrets(change.path, change.added):
            decisions.append(rules.decide("disclose", f"{change.path}:{number} ({kind})"))
    kept = [decision for decision in decisions if decision.effect is not Effect.ALLOWED]
    return tuple(sorted(dict.fromkeys(kept), key=_rank, reverse=True))[:_LIMIT]


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


def _find_branch(path: Path) -> str:
    name = run_git(path, "rev-parse", "--abbrev-ref", "HEAD").decode(errors="replace").strip()
    return "" if name == "HEAD" else name


def _list_changes(path: Path, base: str, fix: str, bundles: Sequence[bytes]) -> Iterator[_Change]:
    objects = path / run_git(path, "rev-parse", "--git-path", "objects").decode(errors="surrogateescape").strip()
    with tempfile.TemporaryDirectory(prefix="hydra-review-") as folder:
        own = {"GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects)}
        for number, bundle in enumerate(bundles):
            file = Path(folder) / f"{number}.bundle"
            file.write_bytes(bundle)
            run_git(path, "bundle", "unbundle", str(file), env=own)
        # The trees themselves are compared: attributes of the repository could hide lines from a diff.
        listing = run_git(path, "diff-tree", "-r", "-z", "--no-renames", base, fix, env=own).decode(errors="replace")
        fields = listing.split("\0")
        for meta, name in zip(fields[::2], fields[1::2], strict=False):
            old_mode, new_mode, old, new, _ = meta.removeprefix(":").split()
            before, after = (
                # Files and links have a content; a submodule is a commit of elsewhere.
                run_git(path, "cat-file", "blob", oid, env=own) if mode.startswith("1") and mode != "160000" else b""
                for mode, oid in ((old_mode, old), (new_mode, new))
            )
            yield _Change(name, list(_list_added(before, after)))


def _list_added(before: bytes, after: bytes) -> Iterator[tuple[int, str]]:
    # A line that was there, and has only moved, is not new.
    left = Counter(before.split(b"\n"))
    for number, line in enumerate(after.split(b"\n"), 1):
        if left[line] > 0:
            left[line] -= 1
        else:
            yield number, line.decode(errors="replace")
