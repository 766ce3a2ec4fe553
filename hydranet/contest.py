"""Contests: fixes that pass all tests and behave differently, and which of them a person's answers leave."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.bounded_models import CLEAN, BoundedModel, Line
from hydranet.question import BehaviourAnswer, BehaviourQuestion, Call, CallResult, Choice, Detail

ALTERNATIVES = 8
"""The most fixes of a contest; those that behave alike count once."""

CLOSE = 2.0
"""The difference in doubt from which on a fix is taken without a question."""

CALLS = ALTERNATIVES * (ALTERNATIVES - 1) // 2


class Alternative(BoundedModel):
    """A fix, the likeliest of those that behave as it does; the `doubt` grows the less likely it is to be right."""

    title: Line
    diff: Annotated[str, CLEAN, StringConstraints(max_length=65_536)]
    doubt: float = 0.0


class ContestedCall(BoundedModel):
    """A call, what the code makes of it `before` any fix, and what each alternative does."""

    call: Call
    before: Detail
    results: Annotated[tuple[CallResult, ...], Field(max_length=ALTERNATIVES)]


class Contest(BoundedModel):
    """Alternatives, the most likely first, and for each two of them a call that tells them apart."""

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

    def find_question(self, left: Sequence[int]) -> BehaviourQuestion | None:
        """Return what tells the two most likely of the alternatives that are left apart, None where one is likelier."""
        if len(left) < 2 or not self._are_close(*left[:2]):
            return None
        first, second = left[:2]
        return next(
            (
                BehaviourQuestion(
                    call=contested.call,
                    before=contested.before,
                    choices=tuple(
                        Choice(title=self.alternatives[number].title, result=contested.results[number])
                        for number in (first, second)
                    ),
                )
                for contested in self.calls
                if contested.results[first].text != contested.results[second].text
            ),
            None,
        )

    def _are_close(self, first: int, second: int) -> bool:
        return self.alternatives[second].doubt - self.alternatives[first].doubt < CLOSE


def choose_calls(calls: Iterable[ContestedCall], count: int) -> tuple[ContestedCall, ...]:
    """Return a call for each two of `count` alternatives that tells them apart, the easiest to judge.

    That is one that can be written as Python, for fixes of which what they return can be, too; one that a test makes
    rather than a variation; and a short one.
    """
    ordered = sorted(calls, key=_rank)
    chosen = (
        next((call for call in ordered if call.results[first].text != call.results[second].text), None)
        for first, second in combinations(range(count), 2)
    )
    unique = {id(call): call for call in chosen if call is not None}
    return tuple(sorted(unique.values(), key=_rank))


def _rank(contested: ContestedCall) -> tuple[bool, bool, int]:
    call = contested.call
    is_plain = bool(call.code) and all(result.code for result in contested.results)
    return not is_plain, bool(call.change), len(call.text)
