"""The obstacle of a run without a fix: what stood in its way, told from its attempts."""

from collections import Counter
from enum import StrEnum
from typing import NamedTuple

from hydranet.genealogy import AttemptRecord, Ending, Genealogy, Outcome
from hydranet.text.formatting import format_count, join_words
from hydranet.text.truncation import keep_start

# Characters of the tests or the reason that a sentence names.
_NAMED = 160


class ObstacleKind(StrEnum):
    """What kind of obstacle it was."""

    REFUTED = "refuted"
    REFUSED = "refused"
    NO_PATCH = "no patch"
    BROKE = "broke other tests"
    FAILED = "failed"


class Obstacle(NamedTuple):
    """What stood in the way, as a sentence, and the branch and attempt that show it best."""

    kind: ObstacleKind
    sentence: str
    branch: int
    attempt: int


def find_obstacle(genealogy: Genealogy) -> Obstacle | None:
    """Return what stood in the way of a fix; None when nothing was tried."""
    for branch in reversed(genealogy.branches):
        if branch.ending is Ending.REFUTED:
            sentence = f"b{branch.number:02d} passed the tests and is no fix: {keep_start(branch.reason, _NAMED)}"
            return Obstacle(ObstacleKind.REFUTED, sentence, branch.number, len(branch.attempts))
    attempts = [(branch.number, attempt) for branch in genealogy.branches for attempt in branch.attempts]
    tested = [(number, attempt) for number, attempt in attempts if attempt.outcome is Outcome.FAILED]
    if tested:
        return _describe_best(genealogy, tested)
    for outcome, kind in ((Outcome.REFUSED, ObstacleKind.REFUSED), (Outcome.NO_PATCH, ObstacleKind.NO_PATCH)):
        kept = [(number, attempt) for number, attempt in attempts if attempt.outcome is outcome]
        if kept:
            reason, times = Counter(attempt.reason for _, attempt in kept).most_common(1)[0]
            what = "changes that are refused" if kind is ObstacleKind.REFUSED else "no usable patch"
            sentence = (
                f"{times} of {format_count(len(attempts), 'attempt')} brought {what}: {keep_start(reason, _NAMED)}"
            )
            return Obstacle(kind, sentence, kept[0][0], kept[0][1].number)
    return None


def _describe_best(genealogy: Genealogy, tested: list[tuple[int, AttemptRecord]]) -> Obstacle:
    target = set(genealogy.target_tests)

    def rank(pair: tuple[int, AttemptRecord]) -> tuple[bool, int]:
        # A run that did not end counts no test as failing.
        failing = pair[1].facts.failing_count
        return not failing, failing

    broke = [
        pair
        for pair in tested
        # Beyond the names that are kept a test of the target may fail as well.
        if (names := pair[1].facts.failing_tests) and len(names) == pair[1].facts.failing_count
        if target.isdisjoint(names)
    ]
    number, attempt = min(broke or tested, key=rank)
    tests = keep_start(join_words(list(attempt.facts.failing_tests)), _NAMED)
    where = f"b{number:02d} attempt {attempt.number}"
    if broke:
        sentence = f"The closest attempt, {where}, made the target pass and broke {tests}."
        return Obstacle(ObstacleKind.BROKE, sentence, number, attempt.number)
    error = f" with {attempt.facts.error.type}" if attempt.facts.error else ""
    if not attempt.facts.failing_count:
        sentence = f"The closest attempt, {where}, did not end well: {keep_start(attempt.reason, _NAMED)}"
    else:
        count = format_count(attempt.facts.failing_count, "test")
        left = f"{count} failing (of {genealogy.target_count} at the base)"
        sentence = f"The closest attempt, {where}, left {left}{error}{f': {tests}' if tests else ''}."
    return Obstacle(ObstacleKind.FAILED, sentence, number, attempt.number)


def describe_exhaustion(genealogy: Genealogy, limit: str) -> str:
    """Return why a run found no fix: what stood in the way, then the `limit` that ended it."""
    obstacle = find_obstacle(genealogy)
    return f"{obstacle.sentence} {limit}" if obstacle else limit
