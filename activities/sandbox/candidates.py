"""Candidates: which may be tried, running their tests, and which one is the best."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

from activities.sandbox.behaviours import (
    NOT_COMPARED,
    ObservedBehaviours,
    find_refuted,
    group_behaviours,
    observe_behaviours,
)
from activities.sandbox.doubts import measure_doubts
from activities.sandbox.inside.test_names import file_of
from activities.sandbox.judgement import CandidateRun, TargetTests, judge_run
from activities.sandbox.protected_files import ProtectedFiles
from activities.sandbox.protocol import Execution
from activities.sandbox.results import (
    RecordedTests,
)
from activities.sandbox.test_run import (
    TestRunner,
    make_test_command,
)
from activities.sandbox.time_limits import HUNG, TimeLimits, get_test_timeout
from activities.sandbox.trial_commands import (
    DJANGO_SERVER,
    PYTEST_SERVER,
    TrialCommand,
    explain_separate_trials,
    parse_trial_command,
)
from hydranet import patches
from hydranet.bounded_models import NAME_CHARACTERS
from hydranet.contest import ALTERNATIVES
from hydranet.contracts import Candidate, TestResult, TestResults
from hydranet.errors import PatchError
from hydranet.question import BehaviourAnswer
from hydranet.text.formatting import format_count
from hydranet.text.source_encoding import encode_source, read_text
from hydranet.text.truncation import keep_end, keep_start

Changes = dict[str, str | None]

# Seconds for trying candidates: as long as one run of the tests may take, and at least this long.
LEAST_SECONDS = 60.0
# A test hangs when it computes ten times as long as the slowest that passes, and at least this long (seconds).
SLOWDOWN, LEAST_CPU_SECONDS = 10, 0.2
# Seconds for starting the interpreter and collecting, besides the tests themselves.
START_SECONDS = 5.0
# Seconds for other candidates after one has passed, at least: the first that passes is not always the best. Where they
# are told apart, as long again is worth it: what is not tried is in no question.
MORE_SECONDS = 5.0

# Targets that take longer together (seconds) are not run on after the first that fails: more candidates are worth more
# than to know how many tests each of them leaves.
SLOW_SECONDS = 0.5

# Documents whose examples say what the code gives.
_DOCUMENTS = ("README.md", "README.rst", "README.txt")
# Other passing candidates in a title, and the characters of each.
_NAMED, _NAMED_CHARACTERS = 2, 90


def check_candidates(
    candidates: Sequence[Candidate],
    protected: ProtectedFiles,
    read: Callable[[str], bytes | None],
    submodules: Collection[str] = (),
) -> tuple[dict[int, Changes], dict[int, str]]:
    """Return by index the changes of each usable candidate, and why each of the others is refused.

    The changes are contents of files, as text in which surrogates stand for bytes that are not UTF-8.
    """
    usable: dict[int, Changes] = {}
    refused: dict[int, str] = {}
    for index, candidate in enumerate(candidates):
        try:
            patches.check_diff(candidate.diff, protected.paths, submodules)
            changes = patches.apply_diff(candidate.diff, lambda path: read_text(path, read(path)))
            protected.check(changes)
            contents = {path: _encode(path, text, read(path)) for path, text in changes.items()}
        except PatchError as error:
            refused[index] = str(error)
        else:
            usable[index] = contents
    return usable, refused


def _encode(path: str, text: str | None, before: bytes | None) -> str | None:
    return None if text is None else encode_source(path, text, before).decode("utf-8", "surrogateescape")


async def run_candidates(runner: TestRunner, target: TargetTests, usable: dict[int, Changes]) -> list[CandidateRun]:
    """Run candidates in their order until the time is up, or until soon after one has passed everything."""
    seconds = max(LEAST_SECONDS, runner.spec.test_timeout)
    command = parse_trial_command(runner.spec.test_command, runner.spec.folder)
    if command is not None and not explain_separate_trials(runner.spec.test_command, runner.environment):
        # A target that is the command itself has no tests that could be selected. Without a canary some other code
        # ran the tests.
        is_known = all(test.id != runner.spec.test_command for test in target.failing)
        if is_known and (target.baseline.canary or command.server == PYTEST_SERVER):
            return await _run_in_fork_server(runner, target, usable, command, seconds)
    return await _run_separately(runner, target, usable, seconds)


async def _run_in_fork_server(
    runner: TestRunner, target: TargetTests, usable: dict[int, Changes], command: TrialCommand, seconds: float
) -> list[CandidateRun]:
    spec = runner.spec
    limits = TimeLimits.of(target.baseline, spec, SLOWDOWN, LEAST_CPU_SECONDS)
    # Each costs its whole time limit, so they run only for candidates that pass the other targets.
    hanging = [test for test in target.failing if HUNG in test.message]

    def name(test: TestResult) -> str:
        # A test whose name changes is somewhere in its file.
        is_changing = test.id in target.second.changed
        return runner.variables.unmask(file_of(test.id) if is_changing else test.id)

    baseline_seconds = sum(test.seconds for test in (*target.failing, *target.passing))
    # Django may first make databases.
    start_seconds = get_test_timeout(spec) if command.server == DJANGO_SERVER else START_SECONDS
    request = {
        "arguments": command.arguments,
        "path": command.path,
        "targets": [name(test) for test in target.failing if test not in hanging],
        "hanging": [name(test) for test in hanging],
        "expected": [name(test) for test in target.passing if test.id not in target.second.changed],
        "known": [runner.variables.unmask(test) for test in target.known],
        "ends_badly": bool(target.second.ending),
        "test_seconds": limits.wall,
        "cpu_seconds": limits.cpu,
        "target_seconds": min(spec.test_timeout, start_seconds + limits.wall + 3 * baseline_seconds),
        "all_seconds": spec.test_timeout,
        "seconds": seconds,
        "more_seconds": max(MORE_SECONDS, spec.compare_seconds),
        "stops": len(target.failing) > 1 and sum(test.seconds for test in target.failing) > SLOW_SECONDS,
        "canary": target.baseline.canary,
    }
    changes = (json.dumps({"index": index, "changes": changes}) for index, changes in usable.items())
    lines, execution = await runner.run(
        ("python3", *command.options, "-P", "-m", f"hydra_inside.{command.server}"),
        plugin=None,
        inputs={"trials.json": json.dumps(request), "candidates.jsonl": "\n".join(changes)},
        env=command.env,
        # The server ends itself; the sandbox ends it only when a candidate keeps it from doing so.
        seconds=seconds + START_SECONDS,
    )
    # A candidate that ran again has its last run last, which recorded the most.
    runs = {run.index: run for run in _judge_records(lines, set(usable), target, spec.test_command)}
    # When not even the first candidate ended, whatever it did, it is the one that failed.
    return list(runs.values()) or [judge_run(next(iter(usable)), RecordedTests(), execution, target, spec.test_command)]


async def _run_separately(
    runner: TestRunner, target: TargetTests, usable: dict[int, Changes], seconds: float
) -> list[CandidateRun]:
    deadline = time.monotonic() + seconds
    runs: list[CandidateRun] = []
    test_command = runner.spec.test_command
    command = ("python3", "-P", "-m", "hydra_inside.work_tree", *make_test_command(test_command))
    for index, changes in usable.items():
        lines, execution = await runner.run(command, inputs={"changes.json": json.dumps(changes)})
        runs.append(judge_run(index, RecordedTests.of(lines), execution, target, test_command))
        if runs[-1].report.passed or time.monotonic() > deadline:
            break
    return runs


def _judge_records(
    lines: list[dict[str, Any]], known: set[int], target: TargetTests, command: str
) -> Iterator[CandidateRun]:
    starts = [number for number, line in enumerate(lines) if line.get("kind") == "candidate"]
    for start, end in pairwise([*starts, len(lines)]):
        head = lines[start]
        index, reason = head.get("index"), head.get("reason")
        # A candidate's tests can write here too, so nothing is taken for granted.
        if type(index) is not int or index not in known or not isinstance(reason, str):
            continue
        recorded = RecordedTests.of(lines[start + 1 : end])
        seconds = sum(test.seconds for test in recorded.tests.values())
        status = 1 if recorded.status is None else recorded.status
        execution = Execution(status, "", reason=reason[:200], seconds=seconds)
        run = judge_run(index, recorded, execution, target, command, all_ran=head.get("stage") == "all")
        yield replace(run, is_detailed=head.get("brief") is False)


async def compare_passing(
    runner: TestRunner,
    baseline: TestResults,
    read: Callable[[str], bytes | None],
    passing: Mapping[int, Changes],
    candidates: Sequence[Candidate],
    answers: Sequence[BehaviourAnswer] = (),
) -> ObservedBehaviours:
    """Find out how the likeliest candidates that pass all tests behave, of those that change Python code alone."""
    doubts = measure_doubts({index: candidates[index].diff for index in passing})
    python = {
        index: {path: text for path, text in passing[index].items() if text is not None}
        for index in sorted(doubts, key=lambda index: doubts[index])
        if all(path.endswith(".py") and text is not None for path, text in passing[index].items())
    }
    compared = dict(islice(python.items(), ALTERNATIVES))
    if not compared:
        return NOT_COMPARED
    asked = {answer.call.file for answer in answers if answer.call.file.endswith(".py")}
    sources = _read_files({path for changes in compared.values() for path in changes} | asked, read)
    calls = await observe_behaviours(runner, baseline, sources, compared, answers, _read_documents(read))
    observed = [index for index in compared if calls and index + 1 in calls[0].results]
    refuted = find_refuted(calls, observed, answers)
    comparable = {index: doubts[index] for index in observed if index not in refuted}
    # One of several, of which the others could not be compared, is not likelier for that.
    is_alone = len(passing) == len(refuted) + 1
    behaviours = group_behaviours(calls, comparable) if len(comparable) > 1 or is_alone else ()
    return ObservedBehaviours(calls, behaviours, refuted)


def _read_files(paths: Iterable[str], read: Callable[[str], bytes | None]) -> dict[str, str]:
    """Return the texts of those files that are there."""
    texts = {path: read_text(path, read(path)) for path in paths}
    return {path: text for path, text in texts.items() if text is not None}


def _read_documents(read: Callable[[str], bytes | None]) -> dict[str, str]:
    contents = {path: read(path) for path in _DOCUMENTS}
    return {path: content.decode("utf-8", "replace") for path, content in contents.items() if content is not None}


def refute(runs: Sequence[CandidateRun], refuted: Mapping[int, str]) -> list[CandidateRun]:
    """Return the runs, in which those of candidates that contradict an answer fail by it."""
    return [
        replace(run, report=run.report.model_copy(update=_fail(refuted[run.index]))) if run.index in refuted else run
        for run in runs
    ]


def _fail(answer: str) -> dict[str, Any]:
    name = keep_start(f"answer: {answer}", NAME_CHARACTERS)
    return {"passed": False, "failing": (name,), "failing_count": 1, "reason": f"It contradicts the answer: {answer}"}


def choose_best(
    runs: Sequence[CandidateRun], candidates: Sequence[Candidate], observed: ObservedBehaviours = NOT_COMPARED
) -> CandidateRun:
    """Return the run with the fewest failing tests.

    Of those that pass it is the likeliest one of the likeliest behaviour, of the others the one that ran in detail.
    """
    likely = observed.behaviours[0].candidates if observed.behaviours else ()
    doubts = measure_doubts({run.index: candidates[run.index].diff for run in runs if run.report.passed})

    def rank(run: CandidateRun) -> tuple[int, bool, float, bool, int]:
        doubt = doubts.get(run.index, 0.0)
        return run.report.failing_count, run.index not in likely, doubt, not run.is_detailed, run.index

    return min(runs, key=rank)


def make_title(
    best: CandidateRun,
    runs: Sequence[CandidateRun],
    candidates: Sequence[Candidate],
    observed: ObservedBehaviours,
    *,
    asks: bool = False,
) -> str:
    """Return the title of the best candidate, with what the tests do not tell: which of those that pass is right.

    Where a person is asked, the question says how they differ.
    """
    title = candidates[best.index].title
    passing = sum(run.report.passed for run in runs)
    if not best.report.passed or passing < 2:
        return title
    if len(observed.behaviours) == 1:
        calls = format_count(len(observed.calls), "call")
        return f"{title} ({passing} candidates pass, and behave alike in {calls})"
    if not observed.behaviours:
        others = [candidates[run.index].title for run in runs if run.report.passed and run is not best]
        count = "1 other candidate passes" if len(others) == 1 else f"{len(others)} other candidates pass"
        # The end of a title says what the code becomes.
        named = "; ".join(keep_end(other, _NAMED_CHARACTERS) for other in others[:_NAMED])
        return f"{title} ({count} too: {named})"
    ways = len(observed.behaviours)
    difference = "" if asks else f": {observed.describe_difference(candidates)}"
    return f"{title} ({passing} candidates pass, in {ways} ways{difference})"
