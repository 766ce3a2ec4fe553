"""Behaviours: what candidates that pass all tests return, raise and change for the calls that the tests make.

Candidates with equal outcomes behave alike. Where they differ, the tests do not tell which of them is right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from activities.sandbox.protocol import INPUTS
from activities.sandbox.test_run import TestRunner, make_test_command
from activities.sandbox.time_limits import HUNG, get_test_timeout
from activities.sandbox.trial_commands import PYTEST_SERVER, parse_trial_command
from hydranet.contracts import TestResults

BASE = 0
"""The number of the code at the base among the versions; a candidate has its index and one more."""

# Seconds for making the calls with all candidates, and characters of what a record may tell.
SECONDS = 15.0
_CALLS, _TEXT = 5_000, 2_500


@dataclass(frozen=True)
class Call:
    """A call of a changed function in a test: its arguments, what was changed in them, and what came of it by version.

    `change` is empty for the call as the test made it, and `outcomes` has a text for the base and each candidate. The
    test `is_passing` at the base.
    """

    file: str
    unit: str
    test: str
    arguments: str
    change: str
    outcomes: Mapping[int, str]
    is_passing: bool = False

    @property
    def is_observed(self) -> bool:
        """Whether the test itself made the call, so that its outcome at the base is what the test has seen."""
        return not self.change


@dataclass(frozen=True)
class Behaviour:
    """Candidates that no call tells apart, the simplest first, by index.

    `changes` counts the calls of passing tests that come out otherwise than at the base.
    """

    candidates: tuple[int, ...]
    changes: int
    cost: int


@dataclass(frozen=True)
class Comparison:
    """What candidates were compared by, and their behaviours, the likeliest first; both empty where they were not."""

    calls: Sequence[Call] = ()
    behaviours: Sequence[Behaviour] = ()

    def describe_difference(self) -> str:
        """Return how the two likeliest behaviours differ, at the shortest call that shows it."""
        first, second = (behaviour.candidates[0] for behaviour in self.behaviours[:2])
        call = find_difference(self.calls, first, second)
        assert call is not None
        mine, theirs = call.outcomes[first + 1], call.outcomes[second + 1]
        return f"{call.unit}({call.arguments}) {mine}, or {theirs}"


NOT_COMPARED = Comparison()


def group_behaviours(calls: Sequence[Call], costs: Mapping[int, int]) -> list[Behaviour]:
    """Return the behaviours of the candidates in `costs`, the most likely first.

    A right fix changes little of what passing tests have observed: Xiong, Liu, Zeng, Zhang and Huang, "Identifying
    Patch Correctness in Test-Based Program Repair", ICSE 2018.
    """
    alike: dict[tuple[str, ...], list[int]] = {}
    for index in sorted(costs, key=lambda index: (costs[index], index)):
        alike.setdefault(tuple(call.outcomes[index + 1] for call in calls), []).append(index)
    behaviours = [
        Behaviour(
            candidates=tuple(indices),
            changes=sum(
                call.is_observed and call.is_passing and call.outcomes[BASE] != call.outcomes[indices[0] + 1]
                for call in calls
            ),
            cost=costs[indices[0]],
        )
        for indices in alike.values()
    ]
    return sorted(behaviours, key=lambda behaviour: (behaviour.changes, behaviour.cost, behaviour.candidates))


def find_difference(calls: Sequence[Call], first: int, second: int) -> Call | None:
    """Return the shortest call on which two candidates differ; one that a test makes before any other."""
    different = (call for call in calls if call.outcomes[first + 1] != call.outcomes[second + 1])
    return min(different, key=lambda call: (bool(call.change), len(call.arguments) + len(call.change)), default=None)


async def observe_behaviours(
    runner: TestRunner, baseline: TestResults, sources: Mapping[str, str], candidates: Mapping[int, Mapping[str, str]]
) -> list[Call]:
    """Run the tests at the base, and make each call of what candidates change with all of them.

    `sources` are the texts of the changed files, `candidates` theirs in each candidate, by index. A candidate that
    changes more than functions is in no call. Empty where the tests are not run by pytest alone, and where a candidate
    disturbs the run.
    """
    command = parse_trial_command(runner.spec.test_command, runner.spec.folder)
    if command is None or command.server != PYTEST_SERVER:
        return []
    failing = [
        runner.variables.unmask(test.id) for test in baseline.tests if test.is_target and HUNG not in test.message
    ]
    request = {
        "base": dict(sources),
        "candidates": {index + 1: dict(texts) for index, texts in candidates.items()},
        "first": [runner.variables.unmask(test) for test in failing],
        "seconds": SECONDS,
    }
    records, _ = await runner.run(
        make_test_command(runner.spec.test_command),
        plugin={"behaviours": f"{INPUTS}/behaviours.json", "test_seconds": get_test_timeout(runner.spec) + SECONDS},
        inputs={"behaviours.json": json.dumps(request)},
        seconds=runner.spec.test_timeout + SECONDS,
    )
    kinds = {record.get("kind") for record in records}
    if "disturbed" in kinds or "finish" not in kinds:
        return []
    # What changes more than functions has no code that could take the place of another.
    others = {record.get("candidate") for record in records if record.get("kind") == "outside"}
    numbers = {BASE, *(index + 1 for index in candidates)} - others
    passing = {test.id for test in baseline.tests if test.outcome == "passed"}
    return list(_read_calls(records, sources, numbers, passing))[:_CALLS]


# The records are hostile input: tests can write any line there.


def _read_calls(
    records: Sequence[dict[str, Any]], sources: Mapping[str, str], numbers: set[int], passing: set[str]
) -> Iterator[Call]:
    for record in records:
        if record.get("kind") != "behaviour":
            continue
        texts = [record.get(name) for name in ("file", "unit", "test", "call", "change")]
        outcomes = record.get("outcomes")
        if any(not isinstance(text, str) or len(text) > _TEXT for text in texts) or not isinstance(outcomes, dict):
            continue
        file, unit, test, arguments, change = (str(text) for text in texts)
        texts_by_version = {number: text for number in numbers if isinstance(text := outcomes.get(str(number)), str)}
        if file in sources and texts_by_version.keys() == numbers:
            yield Call(file, unit.partition("#")[0], test, arguments, change, texts_by_version, test in passing)
