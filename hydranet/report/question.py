"""What a run asks a person, in the words that commands, the Web UI and notices share; they are not escaped yet."""

from collections.abc import Iterator
from typing import NamedTuple

from hydranet.genealogy import AttemptRecord, BranchRecord, Genealogy, Outcome
from hydranet.person_wait import PersonWait, WaitSubject
from hydranet.text.escaping import format_command
from hydranet.text.formatting import format_count, join_words


class PersonQuestion(NamedTuple):
    """A question to a person: a sentence, what speaks for and against, what it is about, and how it is answered.

    `facts` are labels and texts. The `proposal` is a diff, or the code of a drafted test. The `answers` are command
    lines, each with what it does.
    """

    text: str
    facts: tuple[tuple[str, str], ...]
    proposal: str
    answers: tuple[tuple[str, str], ...]


def ask_question(run: Genealogy) -> PersonQuestion | None:
    """Return what a run asks, None where it waits for nobody."""
    wait = run.waits
    if wait is None:
        return None
    if wait.subject is WaitSubject.FIX:
        branch = next((branch for branch in run.branches if branch.number == wait.branch), None)
        title = f", {branch.strategy.title}," if branch else ""
        text = f"Is the fix of b{wait.branch:02d}{title} to be published?"
        effects = ("publish the fix", "go on without that fix")
    else:
        text = "Is the test that a model drafted to be the target?"
        effects = ("take the test for the target", "go on without that test")
    code = run.reproduction.code if run.reproduction else ""
    answers = zip(("approve", "reject"), effects, strict=True)
    return PersonQuestion(
        text=text,
        facts=tuple(_list_facts(run, wait)),
        proposal=wait.diff or (code if wait.subject is WaitSubject.TEST else ""),
        answers=tuple((format_command("hydra", command, run.run_id), effect) for command, effect in answers),
    )


def _list_facts(run: Genealogy, wait: PersonWait) -> Iterator[tuple[str, str]]:
    if wait.why:
        yield "Asked by", wait.why
    if wait.subject is WaitSubject.FIX and run.target_tests:
        others = wait.passing - run.target_count
        more = f", and {format_count(others, 'other')}" if others > 0 else ""
        yield "Passes", f"{_name_tests(run.target_tests, run.target_count)}{more}"
    elif wait.passing:
        yield "Passes", format_count(wait.passing, "other test")
    if wait.subject is WaitSubject.TEST:
        yield "Fails at the base", _name_tests(wait.failing, wait.failing_count)
    elif wait.failing_count or run.known_count:
        failing, count = (wait.failing, wait.failing_count) if wait.failing_count else _find_known(run)
        yield "Fails as before", _name_tests(failing, count)
    if wait.subject is WaitSubject.FIX:
        for branch in run.branches:
            if branch.number != wait.branch:
                yield "Alternative", describe_branch(branch, run)


def describe_branch(branch: BranchRecord, run: Genealogy) -> str:
    """Return a branch with its state and what its best attempt left failing, as one line."""
    tested = [attempt for attempt in branch.attempts if attempt.outcome in (Outcome.PASSED, Outcome.FAILED)]
    best = min(tested, key=_count_failing, default=None)
    state = f"{branch.ending}, {format_count(len(branch.attempts), 'attempt')}"
    left = f", {_count_failing(best)} of {run.target_count} failing at best" if best else ""
    return f"b{branch.number:02d} {branch.strategy.title}: {state}{left}"


def _count_failing(attempt: AttemptRecord) -> int:
    return 0 if attempt.outcome is Outcome.PASSED else attempt.facts.failing_count


def _find_known(run: Genealogy) -> tuple[tuple[str, ...], int]:
    return tuple(failure.test for failure in run.known_failures), run.known_count


def _name_tests(names: tuple[str, ...], count: int) -> str:
    others = count - len(names)
    return join_words([*names, *([f"{others:,} more"] if others > 0 else [])])
