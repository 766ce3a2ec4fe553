"""The Reaper: decides that a branch is dead and says on what evidence."""

from collections.abc import Sequence

from hydranet.convergence.patch_similarity import is_empty_change, measure_similarity
from hydranet.convergence.returns import find_returns
from hydranet.convergence.score import Attempt, Score
from hydranet.run_settings import ConvergenceSettings
from hydranet.text.formatting import join_words
from hydranet.text.truncation import keep_end


def judge(attempts: Sequence[Attempt], score: Score, settings: ConvergenceSettings) -> str | None:
    """Return in a sentence why the branch of `attempts` is dead by the `score` of the last one; None when it is not.

    None while it is alive: at or below the threshold, and at its first attempt, unless that repeats
    what a dead branch has tried.
    """
    real = [attempt for attempt in attempts if not attempt.infrastructure]
    if not real or attempts[-1].infrastructure or score.value <= settings.threshold:
        return None
    if len(real) < 2 and not score.novelty:
        return None
    clauses = [_patch(real, score), _error(real[-1], score), _commands(score)]
    evidence = join_words([clause for clause in clauses if clause])
    return f"{evidence}: convergence {score.value:.2f} is above {settings.threshold:.2f}."


def _patch(attempts: Sequence[Attempt], score: Score) -> str:
    current = attempts[-1]
    alike = score.terms.patch_similarity or 0.0
    if is_empty_change(current.patch):
        return "The attempt changes nothing"
    where = "a dead branch" if score.novelty else f"attempt {score.nearest}"
    files = ", ".join(dict.fromkeys(edit.file for edit in current.patch.edits))
    how = "is the same as" if alike == 1.0 else "is nearly"
    again = find_returns([attempt.patch for attempt in attempts]).get(len(attempts) - 1)
    nearest = max((measure_similarity(current.patch, earlier.patch) for earlier in attempts[:-1]), default=0.0)
    if again and again.taken_out and nearest < alike:
        return f"The patch to {keep_end(files, 70)} puts in again what was taken out since {where}"
    return f"The patch to {keep_end(files, 70)} {how} that of {where}"


def _error(current: Attempt, score: Score) -> str:
    if not score.terms.error_match or current.error is None:
        return ""
    error = current.error
    place = " in ".join(part for part in (error.function, error.file) if part)
    kind = "the same error follows" if score.terms.error_match == 1.0 else "the same kind of error follows"
    return f"{kind} ({error.type}{f' in {keep_end(place, 70)}' if place else ''})"


def _commands(score: Score) -> str:
    share = score.terms.command_repetition or 0.0
    return f"{share:.0%} of its last commands repeat earlier ones with the same result" if share else ""
