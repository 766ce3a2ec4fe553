"""What a run asks a person, in the words that commands, the Web UI and notices share; they are not escaped yet."""

from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from hydranet.genealogy import AttemptRecord, BranchRecord, Genealogy, Outcome, Verdict
from hydranet.person_wait import PersonWait, WaitKind, WaitSubject
from hydranet.question import BehaviourQuestion, CallResult
from hydranet.text.escaping import format_command
from hydranet.text.formatting import format_count, join_words
from hydranet.text.truncation import keep_start

# Characters of a call and of what comes of it in a sentence, and of what is alike before two results differ.
_CALL, _RESULT, _ALIKE = 300, 200, 40


class PersonQuestion(NamedTuple):
    """A question to a person: a sentence, what speaks for and against, what it is about, and how it is answered.

    `facts` are labels and texts. The `proposal` is a diff, the code of a drafted test, or the Python that makes a call.
    The `answers` are command lines, each with what it does.
    """

    text: str
    facts: tuple[tuple[str, str], ...]
    proposal: str
    answers: tuple[tuple[str, str], ...]


def ask_question(run: Genealogy) -> PersonQuestion | None:
    """Return what a run asks while it waits, or has left open at its end; None where that is nothing."""
    wait = run.waits
    if wait is None or wait.kind is WaitKind.ANSWER:
        return ask_behaviour(run)
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


def ask_behaviour(run: Genealogy) -> PersonQuestion | None:
    """Return what a run asks about what the code is to do, while it waits or at its end; None where that is nothing."""
    question = run.waits.question if run.waits else run.question if run.verdict is Verdict.AMBIGUOUS else None
    if question is None:
        return None
    call, short = question.call, _shorten(question)
    first, second = (choice.result.text for choice in short.choices)
    answers: dict[tuple[str, ...], str] = {
        ("1",): f"it {first}",
        ("2",): f"it {second}{', as before: the search goes on' if question.is_about_change else ''}",
        ("neither",): "both are wrong: the search goes on",
        ("--value", "LITERAL"): "it returns another value",
    }
    if run.waits:
        answers["unknown",] = "nobody knows: the first is published, and the run ends as ambiguous"
    return PersonQuestion(
        text=short.text,
        facts=tuple(_list_behaviour_facts(run, question)),
        proposal="\n".join(filter(None, (call.setup, call.code))),
        answers=tuple((format_command("hydra", "answer", run.run_id, *words), what) for words, what in answers.items()),
    )


def is_about_change(run: Genealogy) -> bool:
    """Return whether a run leaves open if a change that no test checks is right, rather than which of two fixes is."""
    return run.question is not None and run.question.is_about_change


def _list_behaviour_facts(run: Genealogy, question: BehaviourQuestion) -> Iterator[tuple[str, str]]:
    call = question.call
    if not call.code and len(call.text) > _CALL:
        yield "Call", call.text
    yield "Before", question.before
    for number, choice in enumerate(question.choices, 1):
        if choice.title:
            is_published = number == 1 and bool(run.published)
            yield f"Fix {number}{' (published)' if is_published else ''}", f"{choice.result.text} ({choice.title})"
    if question.vote:
        yield "Vote", question.vote.sentence
    if call.test:
        yield "Reached by", call.test
    if call.change:
        yield "Changed", f"no test makes this call as it is: {call.change}"
    # At the end it is among the checks.
    if run.comparison and run.waits:
        yield "Compared", run.comparison.sentence


def _shorten(question: BehaviourQuestion) -> BehaviourQuestion:
    """Return a question short enough for a sentence, without what long results have alike."""
    texts = question.list_results()
    first, second = texts
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    begin = sum(1 for _ in alike) - _ALIKE
    if max(map(len, texts)) > _RESULT and begin > _ALIKE:
        verb = texts[0].partition(" ")[0]
        texts = [f"{verb} …{text[begin:]}" for text in texts]
    results = [CallResult(text=keep_start(text, _RESULT)) for text in texts]
    choices = tuple(
        choice.model_copy(update={"result": result}) for choice, result in zip(question.choices, results, strict=True)
    )
    call = question.call.model_copy(update={"code": keep_start(question.call.text, _CALL)})
    before = results[1].text if question.is_about_change else question.before
    return question.model_copy(update={"call": call, "choices": choices, "before": before})


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
        for objection in run.objections:
            if objection.branch == wait.branch:
                yield "The reviewer noted", objection.describe()
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
