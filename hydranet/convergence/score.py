"""Convergence: how much an attempt repeats earlier ones.

score = (α·patch_similarity + β·command_repetition + γ·error_match) / (α, β, γ of the terms that exist)

Command repetition counts only where it raises the score: reading something new is no progress by itself.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Annotated, NamedTuple

from pydantic import Field

from hydranet.bounded_models import TESTS, BoundedModel, Line, Name
from hydranet.convergence.error_places import lies_elsewhere
from hydranet.convergence.error_signature import ErrorClass, ErrorSignature
from hydranet.convergence.patch_similarity import is_empty_change, measure_similarity
from hydranet.convergence.readings import parse_reading, strip_line_numbers
from hydranet.convergence.returns import Return, find_returns
from hydranet.patches import Patch
from hydranet.run_settings import ConvergenceSettings

MEMORY = 22
"""The attempts of a branch that its scores are made of: the largest window, and two."""


class Command(BoundedModel):
    """An investigative command a model asked for, and a digest of what it printed.

    `workspace_changed` says that files changed since the command before it, or by it; `refused`, unless it is
    empty, by which rule it was not run, and why.
    """

    command: Line
    result: Line = ""
    workspace_changed: bool = False
    refused: Line = ""


class Attempt(BoundedModel):
    """The facts of one attempt that its convergence is computed from.

    `failing_tests` holds test ids (at most `TESTS`; `failing_count` is the true number). `passed` says whether
    its tests ran and passed; where it is None, a change without an error or a failing test has passed.
    """

    patch: Patch = Patch()
    error: ErrorSignature | None = None
    failing_tests: Annotated[tuple[Name, ...], Field(max_length=TESTS)] = ()
    failing_count: int = 0
    commands: Annotated[tuple[Command, ...], Field(max_length=20)] = ()
    infrastructure: bool = False
    passed: bool | None = None

    def improves_on(self, failing: int, target: Collection[str]) -> bool:
        """Return whether fewer than `failing` tests fail, none of them outside the target."""
        return self.failing_count < failing and set(self.failing_tests) <= set(target)


class Terms(BoundedModel):
    """The three terms of a score, each in 0..1, None where there is nothing to compare.

    In `patch_similarity` a patch that is almost an earlier one counts half until its branch has made
    such a repetition before; the very same patch, and one that changes nothing, count in full at once.
    """

    patch_similarity: float | None = None
    command_repetition: float | None = None
    error_match: float | None = None


class Score(BoundedModel):
    """A convergence score in 0..1 with its terms and the nearest earlier attempt (1-based).

    With `novelty` the attempt is its branch's first and `nearest` counts the attempts of dead branches.
    """

    value: float = 0.0
    terms: Terms = Terms()
    nearest: int | None = None
    novelty: bool = False


def score_attempt(
    attempts: Sequence[Attempt],
    settings: ConvergenceSettings = ConvergenceSettings(),  # noqa: B008  (frozen)
    dead: Sequence[Attempt] = (),
) -> Score:
    """Return the score of the last of `attempts`, which are those of one branch, oldest first.

    Patches and errors count as far as `window` + 1 attempts before it; commands, and edits that are put in again,
    as far as a branch remembers. Infrastructure errors are left out, and so is everything up to an attempt that
    passed, which scores 0.
    A branch's first attempt has nothing to repeat but the attempts of `dead` branches.
    """
    if not attempts or attempts[-1].infrastructure:
        return Score()
    numbers = [number for number, attempt in enumerate(attempts, 1) if not attempt.infrastructure][-MEMORY:]
    branch = [attempts[number - 1] for number in numbers]
    commands = _command_repetition(branch, settings.window)
    failed = _count_since_passing(branch)
    if not failed:
        return Score()
    if len(branch) == 1:
        return _novelty(branch[0], dead, commands)
    numbers, branch = numbers[-failed:], branch[-failed:]
    if len(branch) == 1:
        return Score(terms=Terms(command_repetition=commands))
    returns = find_returns([attempt.patch for attempt in branch])
    echo = _measure_echo(branch[:-1], returns, settings.window)
    compared = range(max(0, len(branch) - 1 - settings.window), len(branch) - 1)
    pairs = {index: _compare(branch[-1], branch[index], echo) for index in compared}
    if again := returns.get(len(branch) - 1):
        pair = pairs.get(again.attempt) or _compare(branch[-1], branch[again.attempt], echo)
        alike = again.likeness if again.is_most else _heard(again.likeness, echo)
        pairs[again.attempt] = pair._replace(patch=max(pair.patch, alike))
    values = {index: _weighted(pair, commands, settings) for index, pair in pairs.items()}
    best = max(pairs, key=lambda index: (values[index], index))
    return Score(value=values[best], terms=_terms(pairs[best], commands), nearest=numbers[best])


def find_best(attempts: Sequence[Attempt]) -> int | None:
    """Return the index of the attempt with the fewest failing tests, the earliest of equals; None without any.

    An attempt whose error hides the tests behind it (they could not be imported, or did not end) says
    little about them, so it comes after all others. One without a failing test was not tested, or it
    passed and nothing follows it.
    """
    tested = [
        (_hides_tests(attempt), _failing(attempt), index)
        for index, attempt in enumerate(attempts)
        if _failing(attempt) and not attempt.infrastructure
    ]
    return min(tested)[2] if tested else None


class _Pair(NamedTuple):
    """An attempt compared with an earlier one."""

    patch: float
    error: float | None


def _compare(current: Attempt, earlier: Attempt, echo: float) -> _Pair:
    """Count a near repetition half until the branch has made one: a single variation is how one works.

    One variation of a failed patch is how one works; the next one is circling. `echo` is how much the
    attempts before this one repeat each other.
    """
    return _Pair(_heard(measure_similarity(current.patch, earlier.patch), echo), _error_match(current, earlier))


def _heard(alike: float, echo: float) -> float:
    return 1.0 if alike == 1.0 else round((alike + min(alike, echo)) / 2, 4)


def _measure_echo(attempts: Sequence[Attempt], returns: Mapping[int, Return], window: int) -> float:
    """Return how much the attempts since the last progress repeat each other, or put in again what was taken out."""
    stuck = _since_progress(attempts[-window - 1 :])
    near = [_echo(late, early) for early, late in combinations(stuck, 2)]
    start = len(attempts) - len(_since_progress(attempts))
    again = [
        past.likeness * _weigh_error(attempts[late], attempts[past.attempt])
        for late, past in returns.items()
        if start <= late < len(attempts)
    ]
    return max((*near, *again), default=0.0)


def _echo(current: Attempt, earlier: Attempt) -> float:
    error = _weigh_error(current, earlier)
    return error and measure_similarity(current.patch, earlier.patch) * error


def _weigh_error(current: Attempt, earlier: Attempt) -> float:
    error = _error_match(current, earlier)
    return 1.0 if error is None else error


def _error_match(current: Attempt, earlier: Attempt) -> float | None:
    """1 for the same signature, 0.5 for the same type and file, 0 else or after progress.

    It is progress when fewer tests fail, when what the error named was provided and it names another, and when
    a syntax error was repaired and there is one elsewhere.
    """
    error, before = current.error, earlier.error
    if error is None and before is None:
        return None
    if error is None or before is None or _shrank(current, earlier):
        return 0.0
    if lies_elsewhere(error, current.patch, before, earlier.patch):
        return 0.0
    if error.matches(before):
        return 0.0 if _answered(current, error, before) else 1.0
    return 0.5 if (error.type, error.file) == (before.type, before.file) else 0.0


def _answered(current: Attempt, error: ErrorSignature, earlier: ErrorSignature) -> bool:
    wanted = set(earlier.named) - set(error.named)
    added = "\n".join(line for edit in current.patch.edits for line in edit.added)
    return bool(error.named) and any(re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", added) for name in wanted)


def _since_progress(attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    start, fewest = 0, 0
    for index, attempt in enumerate(attempts):
        failing = _failing(attempt)
        if not failing or _hides_tests(attempt):
            continue
        if failing < fewest:
            start = index
        fewest = min(failing, fewest or failing)
    return attempts[start:]


def _count_since_passing(attempts: Sequence[Attempt]) -> int:
    count = 0
    passing: Patch | None = None
    for attempt in attempts:
        passing = attempt.patch if _passes(attempt, passing) else None
        count = count + 1 if passing is None else 0
    return count


def _passes(attempt: Attempt, passing: Patch | None) -> bool:
    """Return whether an attempt passes; `passing` is the patch of the attempt before it, if that passed.

    What passed and was not changed passes still, whatever the command prints that checks it once more.
    """
    if attempt.passed:
        return True
    known = attempt.error is not None and attempt.error.error_class is not ErrorClass.UNKNOWN
    if known or _failing(attempt):
        return False
    unchanged = is_empty_change(attempt.patch) or attempt.patch == passing
    if passing is not None and unchanged:
        return True
    return attempt.passed is None and attempt.error is None and not unchanged


def _shrank(current: Attempt, earlier: Attempt) -> bool:
    return 0 < _failing(current) < _failing(earlier)


def _novelty(current: Attempt, dead: Sequence[Attempt], commands: float | None) -> Score:
    """The score of a branch's first attempt: how much its patch is one that a dead branch has tried.

    All branches start from the same error, so it counts only to tell a patch that is almost an old one
    and has changed nothing from one that has.
    """
    score = Score(terms=Terms(command_repetition=commands))
    if is_empty_change(current.patch):
        return score
    for number, earlier in enumerate(dead, 1):
        alike = 0.0 if earlier.infrastructure else measure_similarity(current.patch, earlier.patch)
        value = alike / 2 if _shrank(current, earlier) else _heard(alike, _echo(current, earlier))
        if value > score.value:
            terms = Terms(patch_similarity=value, command_repetition=commands)
            score = Score(value=value, terms=terms, nearest=number, novelty=True)
    return score


def _command_repetition(branch: Sequence[Attempt], window: int) -> float | None:
    if not any(_is_investigative(command) for command in branch[-1].commands):
        return None
    commands = [command for attempt in branch for command in attempt.commands]
    asked = [index for index, command in enumerate(commands) if _is_investigative(command)]
    return sum(_repeats(commands, index) for index in asked[-window:]) / len(asked[-window:])


def _repeats(commands: Sequence[Command], index: int) -> bool:
    current = commands[index]
    if current.workspace_changed:
        return False
    for earlier in reversed(commands[:index]):
        if earlier.workspace_changed:
            return False
        if _tell_the_same(current, earlier):
            return True
    return False


def _tell_the_same(current: Command, earlier: Command) -> bool:
    if earlier.command.split() == current.command.split():
        return earlier.result == current.result
    now, then = parse_reading(current.command), parse_reading(earlier.command)
    if now is None or then is None or not current.result or not now.overlaps(then):
        return False
    return strip_line_numbers(current.result) == strip_line_numbers(earlier.result)


_RUNNER = re.compile(
    r"""
    (?:\w+=\S*\s+)*                                           # environment
    (?:(?:timeout\s+\S+|uv\s+run|poetry\s+run|pipenv\s+run|env|xvfb-run|npx)\s+(?:\w+=\S*\s+)*)*
    (?:\S*python[\d.]*\s+(?:-[a-zA-Z]\s+)*?(?:-m\s+)?)?(?:coverage\s+run\s+(?:-m\s+)?)?
    (?:\S*/)?
    (?:pytest|py\.test|unittest|doctest|nose2?|nosetests|tox|nox|ctest|jest|vitest|mocha|rspec|phpunit
      |(?:manage\.py|make|npm(?:\s+run)?|yarn|pnpm|go|cargo|mvn|gradle|gradlew|bazel|dotnet)\s+(?:test|check)
      |(?:run_?tests?|test_\w+|\w+_test)\.(?:py|sh|js))
    (?![\w.-])
    """,
    re.VERBOSE,
)


def _is_investigative(command: Command) -> bool:
    """Leave test runs out: running the tests again is how one verifies."""
    return not any(_RUNNER.match(part.strip()) for part in re.split(r"&&|\|\||;", command.command))


def _weighted(pair: _Pair, commands: float | None, settings: ConvergenceSettings) -> float:
    terms = [(settings.alpha, pair.patch), (settings.gamma, pair.error)]
    return max(_mean(terms), _mean([*terms, (settings.beta, commands)]))


def _mean(terms: Sequence[tuple[float, float | None]]) -> float:
    present = [(weight, value) for weight, value in terms if value is not None]
    total = sum(weight for weight, _ in present)
    return round(sum(weight * value for weight, value in present) / total, 4) if total else 0.0


def _terms(pair: _Pair, commands: float | None) -> Terms:
    return Terms(patch_similarity=pair.patch, command_repetition=commands, error_match=pair.error)


def _failing(attempt: Attempt) -> int:
    return max(attempt.failing_count, len(attempt.failing_tests))


def _hides_tests(attempt: Attempt) -> bool:
    return attempt.error is not None and attempt.error.error_class in (
        ErrorClass.SYNTAX,
        ErrorClass.IMPORT,
        ErrorClass.TIMEOUT,
        ErrorClass.RESOURCE,
    )
