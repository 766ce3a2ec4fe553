"""Behaviours: what candidates that pass all tests return, raise and change for the calls that the tests make.

Candidates with equal outcomes behave alike. Where they differ, the tests do not tell which of them is right.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from activities.sandbox.protocol import INPUTS
from activities.sandbox.test_run import TestRunner, make_test_command
from activities.sandbox.time_limits import HUNG, get_test_timeout
from activities.sandbox.trial_commands import parse_trial_command
from hydranet.bounded_models import NAME_CHARACTERS
from hydranet.contest import ALTERNATIVES, CLOSE, Alternative, Contest, ContestedCall, make_contest
from hydranet.contracts import Candidate, TestResults
from hydranet.question import DETAIL_CHARACTERS, BehaviourAnswer, Call, CallResult

BASE = 0
"""The number of the code at the base among the versions; a candidate has its index and one more."""

# What an example in the documentation adds to the doubt of what contradicts it: more than the order in which candidates
# are tried, so that nothing is asked where the documentation has the answer.
_CONTRADICTION = 3 * CLOSE

# Calls at most: what a test records is bounded once more where it comes from.
_CALLS = 5_000


@dataclass(frozen=True)
class ObservedCall:
    """A call of a changed function in a test, or an example in the documentation, and what came of it by version.

    `results` has one for the base and each candidate. The test `is_passing` at the base. Of an example, `fails` has
    the versions that do not give what is documented.
    """

    call: Call
    results: Mapping[int, CallResult]
    is_passing: bool = False
    fails: frozenset[int] = frozenset()

    def contradicts(self, number: int) -> bool:
        """Return whether a version does not give what is documented and some other does."""
        return number in self.fails and len(self.fails) < len(self.results)

    @property
    def is_observed(self) -> bool:
        """Whether the test itself made the call, so that its outcome at the base is what the test has seen."""
        return not self.call.change


@dataclass(frozen=True)
class Behaviour:
    """Candidates that no call tells apart, the likeliest first, by index.

    `changes` counts the calls of passing tests that come out otherwise than at the base; the `doubt` is that of the
    likeliest candidate, and grows with the share of these.
    """

    candidates: tuple[int, ...]
    changes: int
    doubt: float


@dataclass(frozen=True)
class ObservedBehaviours:
    """How candidates that pass all tests behave: their calls, and their behaviours, the likeliest first.

    Both are empty where they were not compared. `refuted` has the sentence of the answer that a candidate contradicts.
    """

    calls: Sequence[ObservedCall] = ()
    behaviours: Sequence[Behaviour] = ()
    refuted: Mapping[int, str] = field(default_factory=dict)

    def describe_difference(self, candidates: Sequence[Candidate]) -> str:
        """Return how the two likeliest behaviours differ, at the easiest call that shows it."""
        calls = self.make_contest(candidates).calls
        contested = next(call for call in calls if call.results[0].text != call.results[1].text)
        first, second = contested.results[:2]
        return f"{contested.call.text} {first.text}, or {second.text}"

    def make_contest(self, candidates: Sequence[Candidate]) -> Contest:
        """Return the behaviours as fixes between which a person can choose."""
        behaviours = self.behaviours[:ALTERNATIVES]
        firsts = [behaviour.candidates[0] for behaviour in behaviours]
        calls = (
            ContestedCall(
                call=observed.call,
                before=observed.results[BASE],
                results=tuple(observed.results[index + 1] for index in firsts),
                is_passing=observed.is_passing,
            )
            for observed in self.calls
        )
        alternatives = [
            Alternative(title=candidates[index].title, diff=candidates[index].diff, doubt=behaviour.doubt)
            for index, behaviour in zip(firsts, behaviours, strict=True)
        ]
        return make_contest(alternatives, calls)


NOT_COMPARED = ObservedBehaviours()


def group_behaviours(calls: Sequence[ObservedCall], doubts: Mapping[int, float]) -> list[Behaviour]:
    """Return the behaviours of the candidates in `doubts`, the most likely first.

    A right fix changes little of what passing tests have observed: Xiong, Liu, Zeng, Zhang and Huang, "Identifying
    Patch Correctness in Test-Based Program Repair", ICSE 2018. What an example in the documentation contradicts is so
    much less likely that the example answers what would be asked.
    """
    alike: dict[tuple[str, ...], list[int]] = {}
    for index in sorted(doubts, key=lambda index: doubts[index]):
        alike.setdefault(tuple(call.results[index + 1].text for call in calls), []).append(index)
    seen = [call for call in calls if call.is_observed and call.is_passing]
    behaviours = []
    for indices in alike.values():
        changes = sum(call.results[BASE].text != call.results[indices[0] + 1].text for call in seen)
        doubt = doubts[indices[0]] + changes / max(1, len(seen))
        if any(call.contradicts(indices[0] + 1) for call in calls):
            doubt += _CONTRADICTION
        behaviours.append(Behaviour(tuple(indices), changes, doubt))
    return sorted(behaviours, key=lambda behaviour: (behaviour.doubt, behaviour.candidates))


def find_refuted(
    calls: Sequence[ObservedCall], indices: Iterable[int], answers: Sequence[BehaviourAnswer]
) -> dict[int, str]:
    """Return the candidates that contradict an answer, each with that answer."""
    return {
        index: answer.sentence
        for answer in answers
        for observed in calls
        if observed.call.is_same(answer.call)
        for index in indices
        if not answer.allows(observed.results[index + 1])
    }


async def observe_behaviours(
    runner: TestRunner,
    baseline: TestResults,
    sources: Mapping[str, str],
    candidates: Mapping[int, Mapping[str, str]],
    answers: Sequence[BehaviourAnswer] = (),
    documents: Mapping[str, str] = MappingProxyType({}),
) -> list[ObservedCall]:
    """Run the tests at the base, and make each call of what candidates change with all of them.

    `sources` are the texts of the changed files and of those that `answers` are about, `candidates` theirs in each
    candidate, by index. The examples in their docstrings and in `documents` are made, too. A candidate that changes
    more than functions is in no call. Empty where the tests are not run by pytest, unittest or Django alone, where no
    time is given for it, and where a candidate disturbs the run.
    """
    seconds = runner.spec.compare_seconds
    if parse_trial_command(runner.spec.test_command, runner.spec.folder) is None or not seconds:
        return []
    failing = [
        runner.variables.unmask(test.id) for test in baseline.tests if test.is_target and HUNG not in test.message
    ]
    units: dict[str, list[str]] = {}
    for answer in answers:
        if answer.call.file in sources:
            units.setdefault(answer.call.file, []).append(answer.call.unit)
    request = {
        "base": dict(sources),
        "candidates": {index + 1: dict(texts) for index, texts in candidates.items()},
        "units": units,
        "documents": dict(documents),
        "first": [runner.variables.unmask(test) for test in failing],
        "seconds": seconds,
    }
    records, _ = await runner.run(
        make_test_command(runner.spec.test_command),
        plugin={"behaviours": f"{INPUTS}/behaviours.json", "test_seconds": get_test_timeout(runner.spec) + seconds},
        inputs={"behaviours.json": json.dumps(request)},
        seconds=runner.spec.test_timeout + seconds,
    )
    kinds = {record.get("kind") for record in records}
    if "disturbed" in kinds or "finish" not in kinds:
        return []
    # What changes more than functions has no code that could take the place of another.
    others = {record.get("candidate") for record in records if record.get("kind") == "outside"}
    numbers = {BASE, *(index + 1 for index in candidates)} - others
    passing = {test.id for test in baseline.tests if test.outcome == "passed"}
    return list(_read_calls(records, {*sources, *documents}, numbers, passing))[:_CALLS]


# The records are hostile input: tests can write any line there.


def _read_calls(
    records: Sequence[dict[str, Any]], files: Collection[str], numbers: set[int], passing: set[str]
) -> Iterator[ObservedCall]:
    for record in records:
        if record.get("kind") != "behaviour":
            continue
        texts = [record.get(name) for name in ("file", "unit", "test", "call", "change", "setup", "code")]
        outcomes, codes = record.get("outcomes"), record.get("results")
        if any(not isinstance(text, str) or len(text) > DETAIL_CHARACTERS for text in texts):
            continue
        if not isinstance(outcomes, dict) or not isinstance(codes, dict):
            continue
        file, unit, test, arguments, change, setup, code = (str(text) for text in texts)
        results = {
            number: _read_result(text, codes.get(str(number)))
            for number in numbers
            if isinstance(text := outcomes.get(str(number)), str)
        }
        if file in files and len(unit) <= NAME_CHARACTERS and results.keys() == numbers:
            call = Call(
                file=file,
                unit=unit.partition("#")[0],
                test=test[:NAME_CHARACTERS],
                arguments=arguments,
                change=change,
                setup=setup,
                code=code,
            )
            fails = record.get("fails")
            if isinstance(fails, list):
                failing = frozenset(number for number in fails if type(number) is int)
                yield ObservedCall(call, results, BASE not in failing, failing & numbers)
            else:
                yield ObservedCall(call, results, test in passing)


def _read_result(written: str, source: object) -> CallResult:
    outcome, _, changes = written.partition("\t")
    text = f"{outcome}; {changes}" if changes else outcome
    result = CallResult(text=_shorten(text), changes=_shorten(changes))
    match source:
        case [str() as code, bool() as raises, str() as check] if max(len(code), len(check)) <= DETAIL_CHARACTERS:
            return result.model_copy(update={"code": code, "raises": raises, "check": check})
    return result


def _shorten(text: str) -> str:
    if len(text) <= DETAIL_CHARACTERS:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{text[: DETAIL_CHARACTERS - 40]}… ({digest})"
