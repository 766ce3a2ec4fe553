"""What a branch that has not led to a fix teaches the next one."""

from collections import Counter

from hydranet.bounded_models import BoundedModel, Line
from hydranet.convergence.error_signature import ErrorSignature
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending
from hydranet.text.formatting import format_count


class Lesson(BoundedModel):
    """What was tried, why it failed, and what that rules out: a sentence each, from the records alone."""

    tried: Line = ""
    failed: Line = ""
    rules_out: Line = ""


def draw_lesson(branch: BranchRecord, target_count: int) -> Lesson:
    """Draw the lesson of a dead branch of a run that aims at `target_count` failing tests."""
    return Lesson(
        tried=_tried(branch), failed=_failed(branch, target_count), rules_out=_rules_out(branch, target_count)
    )


def _tried(branch: BranchRecord) -> str:
    if not branch.attempts:
        return "Nothing: no attempt was made."
    files = dict.fromkeys(edit.file for attempt in _patched(branch) for edit in attempt.facts.patch.edits)
    summaries = "; ".join(dict.fromkeys(a.summary.rstrip(".") for a in branch.attempts if a.summary))
    where = f" to {', '.join(files)}" if files else ", no usable patch"
    return f"{format_count(len(branch.attempts), 'attempt')}{where}: {summaries}."


def _failed(branch: BranchRecord, target_count: int) -> str:
    patched = _patched(branch)
    if not patched:
        return next((attempt.reason for attempt in reversed(branch.attempts) if attempt.reason), branch.reason)
    fewest = min(attempt.facts.failing_count for attempt in patched)
    tests = f"at best {fewest} of {target_count} tests still fail"
    errors = Counter(_place(attempt.facts.error) for attempt in patched if attempt.facts.error is not None)
    if not errors:
        return _sentence(tests)
    error, times = errors.most_common(1)[0]
    often = "each time" if times == len(patched) else f"{times} of {len(patched)} times"
    return _sentence(f"{often} {error}; {tests}")


def _rules_out(branch: BranchRecord, target_count: int) -> str:
    if branch.ending is Ending.REFUTED:
        return f"The patch that passed: {branch.reason}"
    patched = _patched(branch)
    if not patched:
        return ""
    aim = ", ".join(branch.strategy.target_symbols or branch.strategy.target_files) or "the same place"
    kind = branch.strategy.kind or "change"
    if min(attempt.facts.failing_count for attempt in patched) < target_count:
        return f"Only a {kind} in {aim}: it helps, and something else is wrong too."
    return f"Another {kind} in {aim}: the tests do not react to it, so the cause lies elsewhere or is of another kind."


def _patched(branch: BranchRecord) -> list[AttemptRecord]:
    return [attempt for attempt in branch.attempts if attempt.facts.patch.edits]


def _place(error: ErrorSignature) -> str:
    where = " in ".join(part for part in (error.function, error.file) if part)
    return f"{error.type}{f' in {where}' if where else ''}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
