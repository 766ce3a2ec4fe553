"""A second run at the base commit: which names of tests change by themselves, and whether the command fails alone.

It runs only when a candidate fails no test and is refused all the same: names are gone, or the command ended badly.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from activities.sandbox.protocol import INPUTS, Execution
from activities.sandbox.results import RecordedTests, describe_ending
from activities.sandbox.test_run import TestRunner, make_test_command
from hydranet.contracts import TestResult, TestResults

# What changes in the name of a test: its parameters, or else addresses, numbers and dates in it.
_PARAMETERS = re.compile(r"\[.*", re.DOTALL)
_NUMBER = re.compile(r"0x[0-9a-f]+|(?<![^\W_])(?=[a-f]*\d)[0-9a-f]{8,}(?![^\W_])|\d+", re.IGNORECASE)


@dataclass(frozen=True)
class SecondRun:
    """What a second run at the base commit shows.

    `changed` are tests of the first run that it lacks, and `others` counts those that only it has, by stem: the name
    without what changes. `ending` is how the command ended badly although no test failed, empty when it did not.
    """

    changed: frozenset[str] = frozenset()
    others: Mapping[str, int] = field(default_factory=dict)
    ending: str = ""

    def find_renamed(self, gone: Collection[str], passed: Collection[str], target: Collection[str]) -> set[str]:
        """Return which of the tests that are gone are made up for by others that `passed` and have their stem.

        One of the `target` needs another; the regression check leaves out those that the base commit lost as well.
        """
        wanted = Counter(find_stem(test) for test in self.changed.intersection(gone))
        new = Counter(map(find_stem, passed))
        renamed = {stem for stem, count in wanted.items() if new[stem] >= min(count, self.others.get(stem, 0))}
        return {
            test
            for test in self.changed.intersection(gone)
            if find_stem(test) in renamed and (test not in target or self.others.get(find_stem(test)))
        }


NO_SECOND_RUN = SecondRun()
"""What is known without a second run."""


async def run_again(runner: TestRunner, baseline: TestResults) -> SecondRun:
    """Run the tests at the base commit once more, without those that failed where our recorder runs them."""
    failing = [runner.variables.unmask(test.id) for test in baseline.tests if test.is_failing]
    records, execution = await runner.run(
        make_test_command(runner.spec.test_command),
        plugin={"leave_out": f"{INPUTS}/leave_out.json"},
        inputs={"leave_out.json": json.dumps(failing)},
    )
    left_out = {str(record.get("id")) for record in records if record.get("kind") == "left out"}
    return compare_runs(baseline.tests, RecordedTests.of(records), execution, left_out)


def compare_runs(
    first: Iterable[TestResult], second: RecordedTests, execution: Execution, left_out: Collection[str] = ()
) -> SecondRun:
    """Return what the second run at the base commit shows; nothing unless its tests ran to their end."""
    if not second.has_ended or (execution.reason and not second.sessions):
        return NO_SECOND_RUN
    before = {test.id for test in first}
    now = {*second.tests, *left_out}
    is_bad = bool(execution.exit_status or execution.reason)
    failing = any(test.is_failing for test in second.tests.values())
    return SecondRun(
        changed=frozenset(before - now),
        others=Counter(map(find_stem, now - before)),
        ending=describe_ending(execution) if is_bad and second.tests and not failing else "",
    )


def find_stem(test: str) -> str:
    """Return the name of a test without what changes from run to run."""
    return _PARAMETERS.sub("[", test) if "[" in test else _NUMBER.sub("0", test)
