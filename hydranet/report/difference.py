"""What the branch that won did differently from the others, as far as the records tell."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from hydranet.convergence.error_signature import ErrorClass
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome
from hydranet.patches import Edit
from hydranet.text.formatting import format_count, join_words

_BACKENDS = {"templates": "repair templates, without a model"}


class Winner(NamedTuple):
    """The branch that won and its passing attempt."""

    branch: BranchRecord
    attempt: AttemptRecord


def find_winner(genealogy: Genealogy) -> Winner | None:
    """The winner of a run; None while, or if, there is none."""
    for branch in genealogy.branches:
        for attempt in branch.attempts:
            if branch.ending is Ending.PASSED and attempt.outcome is Outcome.PASSED:
                return Winner(branch, attempt)
    return None


def explain_differences(won: Winner, genealogy: Genealogy) -> tuple[str, ...]:
    """What set the winner apart, a sentence each; empty when no other branch made an attempt."""
    others = [b for b in genealogy.branches if b.attempts and b.number != won.branch.number]
    if not others:
        return ()
    said = (
        *_place(won, others),
        _origin(won.branch, others),
        _cause(won.attempt, others),
        _backend(won.branch, others, genealogy.model),
    )
    return tuple(sentence for sentence in said if sentence)


def _place(won: Winner, others: Sequence[BranchRecord]) -> Iterator[str]:
    """Where it made its change, or what else it did in a place where others had been."""
    files, touched = _files([won.attempt]), set(_files(a for b in others for a in b.attempts))
    near = [branch for branch in others if set(files) & set(_files(branch.attempts))]
    if fresh := [file for file in files if file not in touched]:
        yield f"It changed {join_words(fresh)}, which no other branch had touched."
    elif fresh := _fresh_symbols(won.branch, near):
        theirs = _symbols(near)
        yield (
            f"It aimed at {join_words(fresh)} in {join_words(files)}, "
            + (
                f"where {_names(near)} aimed at {join_words(theirs)}."
                if theirs
                else f"which {_names(near)} changed too."
            )
        )
    elif near:
        yield _change(won, near[-1])
        return
    if (kind := won.branch.strategy.kind) and kind not in {branch.strategy.kind for branch in others}:
        yield f"No other branch had tried this kind of change: {kind}."


def _change(won: Winner, other: BranchRecord) -> str:
    """How its change differs from those of a branch that aimed at the same place."""
    where = join_words(list(won.branch.strategy.target_symbols) or _files([won.attempt]))
    ours, theirs = won.branch.strategy.kind, other.strategy.kind
    if ours != theirs:
        instead = f"{ours or 'unnamed'} instead of {theirs or 'unnamed'}"
        return f"Same place as {_names([other])} ({where}), another kind of change: {instead}."
    lines = "in other lines"
    before = [edit for attempt in other.attempts for edit in attempt.facts.patch.edits]
    if any(_overlap(one, two) for one in won.attempt.facts.patch.edits for two in before):
        lines = "the same lines changed in another way"
    return f"Same place and kind of change as {_names([other])} ({where}), {lines}."


def _overlap(one: Edit, other: Edit) -> bool:
    return one.file == other.file and one.start <= _last(other) and other.start <= _last(one)


def _last(edit: Edit) -> int:
    return edit.start + max(1, len(edit.removed)) - 1


def _origin(branch: BranchRecord, others: Sequence[BranchRecord]) -> str:
    for other in others:
        for attempt in other.attempts:
            if branch.start and attempt.checkpoint == branch.start:
                left = format_count(attempt.facts.failing_count, "test")
                return f"It built on attempt {attempt.number} of {_names([other])}, which left {left} failing."
    return ""


def _cause(passing: AttemptRecord, others: Sequence[BranchRecord]) -> str:
    """Whether the error that the others saw came up in another file than the one to mend."""
    errors = (attempt.facts.error for branch in others for attempt in branch.attempts)
    # An assertion comes up in the test, which says nothing about the cause.
    seen = Counter(e.file for e in errors if e and e.file and e.error_class is not ErrorClass.ASSERTION)
    files = _files([passing])
    if not seen or not files or (shown := seen.most_common(1)[0][0]) in files:
        return ""
    return f"The error came up in {shown}; the cause was in {join_words(files)}."


def _backend(branch: BranchRecord, others: Sequence[BranchRecord], model: str) -> str:
    theirs = {other.strategy.model or model for other in others}
    ours = branch.strategy.model or model
    if ours in theirs or len(theirs) > 1:
        return ""
    name = theirs.pop()
    return f"It was worked out by {_BACKENDS.get(ours, ours)}; all others by {_BACKENDS.get(name, name)}."


def _fresh_symbols(branch: BranchRecord, near: Sequence[BranchRecord]) -> list[str]:
    theirs = _symbols(near)
    return [symbol for symbol in branch.strategy.target_symbols if symbol not in theirs]


def _symbols(branches: Iterable[BranchRecord]) -> list[str]:
    return list(dict.fromkeys(symbol for branch in branches for symbol in branch.strategy.target_symbols))


def _files(attempts: Iterable[AttemptRecord]) -> list[str]:
    return list(dict.fromkeys(edit.file for attempt in attempts for edit in attempt.facts.patch.edits))


def _names(branches: Sequence[BranchRecord]) -> str:
    return join_words([f"b{branch.number:02d}" for branch in branches])
