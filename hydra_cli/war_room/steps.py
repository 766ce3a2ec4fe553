"""The entries of a run's log as lines for people: steps with their time and tokens, tests, messages, nodes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from activities.history.events import Entry
from hydra_cli.follow import describe_attempt
from hydranet.contracts import AttemptReport
from hydranet.genealogy import Genealogy, Outcome
from hydranet.node_event import NodeEvent, NodeEventKind
from hydranet.text.formatting import format_count, format_duration
from hydranet.text.truncation import keep_start

_BRANCH = re.compile(r"/b(\d+)-")
_LONGEST = 400
# What is kept for later runs and the like: nobody who watches this one waits for it.
_QUIET = frozenset(
    "store_issue record_genealogy record_log read_skills record_skills remember_fix forget_variables measure_waits "
    "commit_checkpoint".split()
)
_NAMES = {
    "snapshot_repository": "snapshot of the repository",
    "prepare_environment": "sandbox prepared",
    "run_tests": "tests",
    "try_candidates": "candidates tested",
    "measure_coverage": "coverage of the failing tests",
    "choose_target": "target chosen",
    "rank_places": "places ranked",
    "propose_strategies": "strategies",
    "investigate": "looked around",
    "warm_up": "model loaded",
    "format_fix": "fix formatted",
    "review_fix": "fix reviewed",
    "publish_fix": "published",
}
# The messages of people, each with the place of its sender among what it says.
_SENDERS = {
    "pause": 0,
    "resume": 0,
    "approve": 0,
    "reject": 0,
    "abort": 1,
    "override": 1,
    "reap": 2,
    "suggest": 2,
    "answer": 2,
}


class Step(NamedTuple):
    """A line of the log, with its style."""

    text: str
    style: str = ""


def describe_entry(entry: Entry, genealogy: Genealogy | None) -> Step | None:
    """Return the line about an entry, None where it needs none; with the time as a clock shows it here."""
    try:
        step = _KINDS.get(str(entry.get("event")), _skip)(entry, genealogy)
    except (ValidationError, TypeError, LookupError, ValueError):
        return None  # It is of another version, or of nobody of ours.
    if step is None:
        return None
    time = datetime.fromisoformat(str(entry["time"])).astimezone().strftime("%H:%M:%S")
    branch = _BRANCH.search(str(entry.get("workflow")))
    name = f"b{int(branch[1]):02d} " if branch else ""
    text = " ".join(step.text.split())
    return Step(f"{time} {name}{keep_start(text, _LONGEST)}", step.style)


def _skip(_entry: Entry, _genealogy: Genealogy | None) -> None:
    return None


def _describe_start(entry: Entry, _genealogy: Genealogy | None) -> Step:
    request = _read(entry, "request")
    strategy = request.get("strategy")
    title = strategy.get("title") if isinstance(strategy, dict) else request.get("title")
    return Step(f"started: {title}", "bold")


def _describe_call(entry: Entry, _genealogy: Genealogy | None) -> Step | None:
    call, result = str(entry["call"]), _read(entry, "result")
    if call in _QUIET:
        return None
    spent = datetime.fromisoformat(entry["time"]) - datetime.fromisoformat(entry["scheduled"])
    parts = [format_duration(max(0.0, spent.total_seconds()))]
    usage = _read(result, "usage")
    if tokens := int(usage.get("prompt_tokens", 0)) + int(usage.get("output_tokens", 0)):
        parts.append(format_count(tokens, "token"))
    if tests := _describe_tests(_read(result, "report") or (result if call == "run_tests" else {})):
        parts.append(tests)
    if call == "try_candidates" and int(result.get("tried", 0)) > 1:
        parts.append(f"{result['tried']} tried")
    if call == "propose_strategies":
        parts.append(f"{len(result.get('strategies', ()))} proposed")
    detail = (
        result.get("reason")
        or result.get("reflection")
        or result.get("summary")
        or _read(result, "plan").get("summary")
    )
    text = f"{_NAMES.get(call, call.replace('_', ' '))} ({', '.join(parts)}){f': {detail}' if detail else ''}"
    return Step(text)


def _describe_tests(report: Mapping[str, Any]) -> str:
    failing, passing = int(report.get("failing_count", 0)), int(report.get("passing_count", 0))
    return f"{failing} failing, {passing} passing" if failing or passing else ""


def _describe_failure(entry: Entry, _genealogy: Genealogy | None) -> Step:
    return Step(f"{_NAMES.get(entry['call'], str(entry['call']).replace('_', ' '))} failed: {entry['error']}", "red")


def _describe_cancel(entry: Entry, _genealogy: Genealogy | None) -> Step:
    return Step(f"{str(entry['call']).replace('_', ' ')} cancelled", "dim")


def _describe_signal(entry: Entry, genealogy: Genealogy | None) -> Step | None:
    name, arguments = str(entry["signal"]), entry.get("arguments") or []
    if name == "attempt_made" and genealogy is not None:
        report = AttemptReport.model_validate(arguments[0])
        style = "green" if report.record.outcome is Outcome.PASSED else ""
        circles = report.record.score.value > genealogy.threshold
        text = describe_attempt(report.record, genealogy)
        return Step(f"b{report.branch:02d} attempt {report.record.number}: {text}", "red" if circles else style)
    if name in tuple(NodeEventKind):
        event = NodeEvent.model_validate(arguments[0])
        return Step(f"{event.kind}: {event.describe(datetime.now().astimezone())}", "yellow")
    if name == "reap" and arguments and isinstance(arguments[0], dict):
        return Step(f"b{int(arguments[0]['branch']):02d} circles: {arguments[0].get('evidence', '')}", "red")
    # A person's message to the run passes it on to its branches.
    if name in _SENDERS and _BRANCH.search(str(entry.get("workflow"))) is None:
        return _describe_message(name, arguments)
    return None


def _describe_update(entry: Entry, _genealogy: Genealogy | None) -> Step:
    return _describe_message(str(entry["update"]), entry.get("arguments") or [])


def _describe_message(name: str, arguments: list[Any]) -> Step:
    place = _SENDERS.get(name, len(arguments))
    sender = str(arguments[place]) if len(arguments) > place else ""
    texts = [str(argument) for argument in arguments[:place] if argument not in ("", 0)]
    text = f": {' '.join(texts)}" if texts else ""
    return Step(f"{name} by {sender or 'an unknown sender'}{text}", "cyan")


def _describe_end(entry: Entry, _genealogy: Genealogy | None) -> Step:
    result = _read(entry, "result")
    ending, reason = result.get("verdict") or result.get("ending") or "has ended", result.get("reason", "")
    return Step(f"{ending}: {reason}" if reason else str(ending), "bold" if "verdict" in result else "")


def _read(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = facts.get(name)
    return value if isinstance(value, dict) else {}


_KINDS: dict[str, Callable[[Entry, Genealogy | None], Step | None]] = {
    "started": _describe_start,
    "completed": _describe_call,
    "failed": _describe_failure,
    "cancelled": _describe_cancel,
    "signal": _describe_signal,
    "update": _describe_update,
    "ended": _describe_end,
}
