"""Differences: what the branch that won did otherwise than the others, by the record."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from hydranet.convergence.error_signature import ErrorClass
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome
from hydranet.patches import Edit
from hydranet.strategy import TEMPLATES
from hydranet.text.formatting import format_count, join_words

_BACKENDS = {TEMPLATES: "repair templates, without a model"}


class Winner(NamedTuple):
    """The branch that won and its passing attempt."""

    branch: BranchRecord
    attempt: AttemptRecord


def find_winner(genealogy: Genealogy) -> Winner | None:
    """Return the winner of a run; None when there is none, or none yet."""
    for branch in genealogy.branches:
        for attempt in branch.attempts:
            if branch.ending is Ending.PASSED and attempt.outcome is Outcome.PASSED:
                return Winner(branch, attempt)
    return None


def explain_differences(won: Winner, genealogy: Genealogy) -> tuple[str, ...]:
    """Return what set the winner apart, a sentence each; none when no other branch made an attempt."""
    others = [b for b in genealogy.branches if b.attempts and b.number != won.branch.number]
    if not others:
        return ()
    sentences = (
        *_compare_places(won, others),
        _name_origin(won.branch, others),
        _locate_cause(won.attempt, others),
        _compare_models(won.branch, others, genealogy.model),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _compare_places(won: Winner, others: Sequence[BranchRecord]) -> Iterator[str]:
    files, touched = _list_files([won.attempt]), set(_list_files(a for b in others for a in b.attempts))
    near = [branch for branch in others if set(files) & set(_list_files(branch.attempts))]
    if fresh := [file for file in files if file not in touched]:
        yield f"It changed {join_words(fresh)}, which no other branch had touched."
    elif fresh := _list_new_symbols(won.branch, near):
        theirs = _list_symbols(near)
        yield (
            f"It aimed at {join_words(fresh)} in {join_words(files)}, "
            + (
                f"where {_format_names(near)} aimed at {join_words(theirs)}."
                if theirs
                else f"which {_format_names(near)} changed too."
            )
        )
    elif near:
        yield _compare_changes(won, near[-1])
        return
    if (kind := won.branch.strategy.kind) and kind not in {branch.strategy.kind for branch in others}:
        yield f"No other branch had tried this kind of change: {kind}."


def _compare_changes(won: Winner, other: BranchRecord) -> str:
    where = join_words(list(won.branch.strategy.target_symbols) or _list_files([won.attempt]))
    ours, theirs = won.branch.strategy.kind, other.strategy.kind
    if ours != theirs:
        instead = f"{ours or 'unnamed'} instead of {theirs or 'unnamed'}"
        return f"Same place as {_format_names([other])} ({where}), another kind of change: {instead}."
    lines = "in other lines"
    before = [edit for attempt in other.attempts for edit in attempt.facts.patch.edits]
    if any(_overlap(edit, earlier) for edit in won.attempt.facts.patch.edits for earlier in before):
        lines = "the same lines changed in another way"
    return f"Same place and kind of change as {_format_names([other])} ({where}), {lines}."


def _overlap(edit: Edit, other: Edit) -> bool:
    return edit.file == other.file and edit.start <= _last_line(other) and other.start <= _last_line(edit)


def _last_line(edit: Edit) -> int:
    return edit.start + max(1, len(edit.removed)) - 1


def _name_origin(branch: BranchRecord, others: Sequence[BranchRecord]) -> str:
    for other in others:
        for attempt in other.attempts:
            if branch.start and attempt.checkpoint == branch.start:
                left = format_count(attempt.facts.failing_count, "test")
                return f"It built on attempt {attempt.number} of {_format_names([other])}, which left {left} failing."
    return ""


def _locate_cause(passing: AttemptRecord, others: Sequence[BranchRecord]) -> str:
    errors = (attempt.facts.error for branch in others for attempt in branch.attempts)
    # An assertion fails in the test, which says nothing about the cause.
    seen = Counter(e.file for e in errors if e and e.file and e.error_class is not ErrorClass.ASSERTION)
    files = _list_files([passing])
    if not seen or not files or (shown := seen.most_common(1)[0][0]) in files:
        return ""
    return f"The error came up in {shown}; the cause was in {join_words(files)}."


def _compare_models(branch: BranchRecord, others: Sequence[BranchRecord], model: str) -> str:
    theirs = {other.strategy.model or model for other in others}
    ours = branch.strategy.model or model
    if ours in theirs or len(theirs) > 1:
        return ""
    name = theirs.pop()
    return f"It was worked out by {_BACKENDS.get(ours, ours)}; all others by {_BACKENDS.get(name, name)}."


def _list_new_symbols(branch: BranchRecord, near: Sequence[BranchRecord]) -> list[str]:
    theirs = _list_symbols(near)
    return [symbol for symbol in branch.strategy.target_symbols if symbol not in theirs]


def _list_symbols(branches: Iterable[BranchRecord]) -> list[str]:
    return list(dict.fromkeys(symbol for branch in branches for symbol in branch.strategy.target_symbols))


def _list_files(attempts: Iterable[AttemptRecord]) -> list[str]:
    return list(dict.fromkeys(edit.file for attempt in attempts for edit in attempt.facts.patch.edits))


def _format_names(branches: Sequence[BranchRecord]) -> str:
    return join_words([f"b{branch.number:02d}" for branch in branches])
