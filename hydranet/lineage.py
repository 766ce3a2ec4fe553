"""Which attempt was made on top of which."""

from __future__ import annotations

import re
from typing import NamedTuple

from hydranet.errors import UsageError
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome
from hydranet.strategy import TEMPLATES

_NAME = re.compile(r"b?0*([0-9]{1,4})/(?:attempt-)?0*([0-9]{1,4})")


class AttemptKey(NamedTuple):
    """An attempt by the numbers of its branch and of itself; as text it is such as `b02/3`."""

    branch: int
    attempt: int

    def __str__(self) -> str:
        return f"b{self.branch:02d}/{self.attempt}"


def parse_attempt(name: str) -> AttemptKey:
    """Return the attempt that a text names: `b02/3`, `2/3` or `b02/attempt-003`. Raises UsageError for any other."""
    if (parts := _NAME.fullmatch(name)) is None:
        raise UsageError(f"'{name}' names no attempt: write its branch and its number, such as b02/3.")
    return AttemptKey(int(parts[1]), int(parts[2]))


def find_attempt(genealogy: Genealogy, key: AttemptKey) -> tuple[BranchRecord, AttemptRecord]:
    """Return an attempt and its branch; UsageError where the run has made no such attempt."""
    branch = next((branch for branch in genealogy.branches if branch.number == key.branch), None)
    if branch is None:
        count = len(genealogy.branches)
        raise UsageError(f"The run has no branch {key.branch}: {_describe_last('branch', f'b{count:02d}', count)}.")
    attempt = next((attempt for attempt in branch.attempts if attempt.number == key.attempt), None)
    if attempt is None:
        count = len(branch.attempts)
        last = str(AttemptKey(branch.number, count))
        raise UsageError(f"There is no attempt {key}: {_describe_last('attempt', last, count)}.")
    return branch, attempt


def _describe_last(noun: str, name: str, count: int) -> str:
    return f"its last {noun} is {name}" if count else f"no {noun} has been made yet"


def choose_attempt(genealogy: Genealogy) -> AttemptKey:
    """Return the attempt that passes, else the best one that has a patch; UsageError where none has."""
    best: tuple[tuple[bool, bool, int, float], AttemptKey] | None = None
    for branch in genealogy.branches:
        for attempt in branch.attempts:
            if not attempt.checkpoint:
                continue
            passed, won = attempt.outcome is Outcome.PASSED, branch.ending is Ending.PASSED
            worth = (passed and won, passed, -attempt.facts.failing_count, attempt.after)
            if best is None or worth > best[0]:
                best = worth, AttemptKey(branch.number, attempt.number)
    if best is None:
        raise UsageError("The run has no attempt with a patch yet.")
    return best[1]


def list_lineage(genealogy: Genealogy, key: AttemptKey) -> list[AttemptKey]:
    """Return the attempts that lead from the base to an attempt, itself the last, each made on top of the one before.

    Raises UsageError where there is no such attempt, or it has no patch.
    """
    branch, attempt = find_attempt(genealogy, key)
    if not attempt.checkpoint:
        raise UsageError(f"{key} made no patch: {attempt.reason or attempt.outcome}")
    lineage = [key]
    # Each is older than the one before it, so this comes to an end.
    while (parent := _find_parent(genealogy, branch, lineage[0])) is not None and parent not in lineage:
        lineage.insert(0, parent)
        branch, _ = find_attempt(genealogy, parent)
    return lineage


def _find_parent(genealogy: Genealogy, branch: BranchRecord, key: AttemptKey) -> AttemptKey | None:
    """Return the attempt from whose commit an attempt began, None for the base: as the branch goes on from its best."""
    best = _find_commit(genealogy, branch.start)
    failing = find_attempt(genealogy, best)[1].facts.failing_count if best else genealogy.target_count
    if branch.strategy.model == TEMPLATES:
        return best
    for attempt in branch.attempts:
        if attempt.number >= key.attempt:
            break
        if attempt.checkpoint and attempt.facts.improves_on(failing, genealogy.target_tests):
            best, failing = AttemptKey(branch.number, attempt.number), attempt.facts.failing_count
    return best


def _find_commit(genealogy: Genealogy, commit: str) -> AttemptKey | None:
    for branch in genealogy.branches:
        for attempt in branch.attempts:
            if commit and attempt.checkpoint == commit:
                return AttemptKey(branch.number, attempt.number)
    return None
