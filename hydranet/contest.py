"""Contests: fixes that pass all tests, what they do that no test checks, and which of them a person's answers leave."""

from collections.abc import Iterable, Sequence
from itertools import chain, combinations
from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.bounded_models import CLEAN, BoundedModel, Line
from hydranet.question import BehaviourAnswer, BehaviourQuestion, Call, CallResult, Choice

ALTERNATIVES = 8
"""The most fixes of a contest; those that behave alike count once."""

CLOSE = 2.0
"""The difference in doubt from which on a fix is taken without a question."""

CALLS = ALTERNATIVES * (ALTERNATIVES - 1) // 2 + ALTERNATIVES


class Alternative(BoundedModel):
    """A fix, the likeliest of those that behave as it does; the `doubt` grows the less likely it is to be right.

    Of the contest's calls, `near` is the number of one near passing tests that it changes, where it does.
    """

    title: Line
    diff: Annotated[str, CLEAN, StringConstraints(max_length=65_536)]
    doubt: float = 0.0
    near: Annotated[int, Field(ge=0, lt=CALLS)] | None = None


class ContestedCall(BoundedModel):
    """A call, what the code makes of it `before` any fix, and what each alternative does.

    `is_passing` says that the test that makes it, perhaps with other arguments, passes before any fix.
    """

    call: Call
    before: CallResult
    results: Annotated[tuple[CallResult, ...], Field(max_length=ALTERNATIVES)]
    is_passing: bool = False

    def is_changed_by(self, number: int) -> bool:
        """Return whether an alternative makes something else of it."""
        return self.results[number].text != self.before.text


class Contest(BoundedModel):
    """Alternatives, the most likely first, and calls that tell each two of them, or one and the base, apart."""

    alternatives: Annotated[tuple[Alternative, ...], Field(max_length=ALTERNATIVES)]
    calls: Annotated[tuple[ContestedCall, ...], Field(max_length=CALLS)]

    def list_left(self, answers: Sequence[BehaviourAnswer]) -> list[int]:
        """Return the alternatives that agree with all answers, the most likely first."""
        return [number for number in range(len(self.alternatives)) if self._agrees(number, answers)]

    def _agrees(self, number: int, answers: Sequence[BehaviourAnswer]) -> bool:
        return all(
            answer.allows(contested.results[number])
            for answer in answers
            for contested in self.calls
            if answer.call.is_same(contested.call)
        )

    def find_question(self, left: Sequence[int], answers: Sequence[BehaviourAnswer] = ()) -> BehaviourQuestion | None:
        """Return what is to be asked about the alternatives that are left, None where nothing is.

        That is what tells the two most likely apart, where one is not far likelier; else a change of the likeliest near
        what passing tests do, unless an answer approves of such a change.
        """
        if not left:
            return None
        first, *others = left
        if others and self._are_close(first, others[0]):
            second = others[0]
            calls = (call for call in self.calls if call.results[first].text != call.results[second].text)
            if contested := next(calls, None):
                other = Choice(title=self.alternatives[second].title, result=contested.results[second])
                return self._ask(contested, first, other)
        near = self._get_near(first)
        if near is None or any(_approves(answer, near, first) for answer in answers):
            return None
        return self._ask(near, first, Choice(result=near.before))

    def _get_near(self, number: int) -> ContestedCall | None:
        near = self.alternatives[number].near
        return self.calls[near] if near is not None and near < len(self.calls) else None

    def _ask(self, contested: ContestedCall, number: int, other: Choice) -> BehaviourQuestion:
        own = Choice(title=self.alternatives[number].title, result=contested.results[number])
        return BehaviourQuestion(call=contested.call, before=contested.before.text, choices=(own, other))

    def _are_close(self, first: int, second: int) -> bool:
        return self.alternatives[second].doubt - self.alternatives[first].doubt < CLOSE


def _approves(answer: BehaviourAnswer, near: ContestedCall, number: int) -> bool:
    """Return whether an answer has approved of what an alternative changes, or of the same change elsewhere."""
    change = (near.before.text, near.results[number].text)
    is_same = answer.right is not None and (answer.before, answer.right.text) == change
    return is_same or answer.call.has_same_arguments(near.call)


def make_contest(alternatives: Sequence[Alternative], calls: Iterable[ContestedCall]) -> Contest:
    """Return the contest of alternatives, the likeliest first, with those calls that are needed to settle it.

    For each two alternatives that is the call that tells them apart and is the easiest to judge: one that can be
    written as Python, for fixes of which what they return can be, too; one that a test makes rather than a variation;
    one with which more fixes differ; and a short one. For each alternative there is one near passing tests that it
    changes, too.
    """
    ordered = sorted(calls, key=_rank)
    apart = (
        next((call for call in ordered if call.results[first].text != call.results[second].text), None)
        for first, second in combinations(range(len(alternatives)), 2)
    )
    near = [_find_near(ordered, number) for number in range(len(alternatives))]
    needed = {id(call): call for call in (*apart, *near) if call is not None}
    chosen = sorted(needed.values(), key=_rank)
    places = {id(call): place for place, call in enumerate(chosen)}
    return Contest(
        alternatives=tuple(
            alternative.model_copy(update={"near": places.get(id(call))})
            for alternative, call in zip(alternatives, near, strict=True)
        ),
        calls=tuple(chosen),
    )


def _find_near(ordered: Sequence[ContestedCall], number: int) -> ContestedCall | None:
    """Return a call near passing tests that a fix changes; one that it changes unlike failing tests' calls first.

    What a failing test calls itself is no question: the test says what is right.
    """

    def describe_change(contested: ContestedCall) -> tuple[str, str]:
        return _describe_kind(contested.before), _describe_kind(contested.results[number])

    failing = [contested for contested in ordered if not (contested.is_passing or contested.call.change)]
    wanted = {describe_change(contested) for contested in failing}
    changed = [
        contested
        for contested in ordered
        if contested.is_passing
        and contested.is_changed_by(number)
        and not any(contested.call.has_same_arguments(other.call) for other in failing)
    ]
    new = (contested for contested in changed if describe_change(contested) not in wanted)
    return next(chain(new, changed), None)


def _describe_kind(result: CallResult) -> str:
    """Return what comes of a call, whatever an exception says of it and whatever becomes of the arguments."""
    return result.outcome.partition("(")[0] if result.outcome.startswith("raises ") else result.outcome


def _rank(contested: ContestedCall) -> tuple[bool, bool, int, int]:
    call = contested.call
    is_plain = bool(call.code) and all(result.code for result in contested.results)
    # The more ways there are, the fewer fixes any answer leaves.
    ways = len({result.text for result in contested.results})
    return not is_plain, bool(call.change), -ways, len(call.text)
