"""What the panels of the war room show, as texts: branches with their gauges, nodes, model calls, budgets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich.text import Text

from hydra_cli.cluster_status import NodeRow
from hydra_cli.terminal import choose_diff_style, plain
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome, Verdict
from hydranet.live_call import LiveMessage
from hydranet.report.wording import describe_verdict
from hydranet.strategy import TEMPLATES
from hydranet.text.formatting import format_count, format_duration

_ENDINGS = {
    Ending.RUNNING: ("▶", "cyan"),
    Ending.SUSPENDED: ("‖", "cyan"),
    Ending.PASSED: ("✔", "green"),
    Ending.REAPED: ("✘", "bold red"),
    Ending.SPENT: ("■", "yellow"),
    Ending.REFUTED: ("✘", "red"),
    Ending.CANCELLED: ("○", "bright_black"),
    Ending.FAILED: ("✘", "red"),
}
_DIM = "bright_black"
_GAUGE = 20
_GB = 2**30
_LOADED = {True: "loaded", False: "not loaded", None: ""}
# Branches that ended before these are two lines each.
_RECENT = 2


def draw_head(genealogy: Genealogy, began: datetime | None = None) -> Text:
    """Return the two lines at the top: the run and its state, and what it has spent of its budget.

    An open run counts from when it `began`, waits and all.
    """
    if genealogy.verdict is not None:
        colour = "green" if genealogy.verdict is Verdict.FIXED else "yellow"
        state = plain(f"{describe_verdict(genealogy)}: {_flatten(genealogy.reason)}", f"bold {colour}")
    else:
        state = plain(_flatten(genealogy.state), "cyan")
    budget, usage = genealogy.budget, genealogy.usage.tokens
    seconds = genealogy.seconds if began is None else (datetime.now(UTC) - began).total_seconds()
    spent = [
        format_duration(seconds) if seconds else "",
        f"{genealogy.attempts} of {budget.attempts} attempts" if budget.attempts else _count_attempts(genealogy),
        f"{len(genealogy.branches)} of {budget.branches} branches",
        f"{genealogy.reaps} reaped",
        f"{usage:,}{f' of {budget.tokens:,}' if budget.tokens else ''} tokens",
    ]
    first = Text.assemble(plain(genealogy.run_id, "bold"), "  ", state)
    return Text("\n").join([first, plain(", ".join(filter(None, spent)), _DIM)])


def _count_attempts(genealogy: Genealogy) -> str:
    return format_count(genealogy.attempts, "attempt")


def draw_branches(genealogy: Genealogy) -> Text:
    """Return the branches, each with its gauge, and the attempts of the last ones."""
    lines = [plain(_flatten(genealogy.title), "bold")]
    if genealogy.target_tests:
        more = f" and {genealogy.target_count - 1} more" if genealogy.target_count > 1 else ""
        lines.append(plain(f"target: {_flatten(genealogy.target_tests[0])}{more}", _DIM))
    recent = len(genealogy.branches) - _RECENT
    for place, branch in enumerate(genealogy.branches):
        lines += _draw_branch(branch, genealogy, in_full=place >= recent or branch.ending is Ending.RUNNING)
    if not genealogy.branches and not genealogy.verdict:
        lines.append(plain("No branch has been started yet.", _DIM))
    return Text("\n").join(lines)


def _draw_branch(branch: BranchRecord, genealogy: Genealogy, *, in_full: bool) -> Iterator[Text]:
    sign, style = _ENDINGS[branch.ending]
    ending = branch.ending.upper() if branch.ending is Ending.REAPED else branch.ending
    head = f"b{branch.number:02d} {sign} {ending}  "
    yield Text.assemble(plain(head, style), plain(_flatten(branch.strategy.title)))
    value = branch.attempts[-1].score.value if branch.attempts else 0.0
    count = format_count(len(branch.attempts), "attempt")
    yield Text.assemble("    ", draw_gauge(value, genealogy.threshold), plain(f"  {count}", _DIM))
    if in_full:
        for attempt in branch.attempts:
            yield _draw_attempt(attempt, genealogy)
    if branch.reason and branch.ending not in (Ending.RUNNING, Ending.PASSED):
        yield plain(f"    {_flatten(branch.reason)}", _DIM)


def _draw_attempt(attempt: AttemptRecord, genealogy: Genealogy) -> Text:
    value = attempt.score.value
    tests, style = f"{attempt.facts.failing_count} failing", ""
    if attempt.outcome is Outcome.PASSED:
        tests, style = "all pass", "green"
    elif attempt.outcome is not Outcome.FAILED:
        tests, style = str(attempt.outcome), "yellow"
    score = plain(f"{value:.2f} ", "red" if value > genealogy.threshold else _DIM)
    return Text.assemble(
        plain(f"    {attempt.number:>3}  "), score, plain(f"{tests}  ", style), plain(_flatten(attempt.summary), _DIM)
    )


def draw_gauge(value: float, threshold: float, width: int = _GAUGE) -> Text:
    """Return a convergence as a bar with a mark at the threshold; it is red once the value is above."""
    filled, mark = round(value * width), min(width - 1, round(threshold * width))
    bar = "".join("┃" if cell == mark else "█" if cell < filled else "░" for cell in range(width))
    dead = value > threshold
    return plain(f"{bar} {value:.2f} {'>' if dead else '≤'} {threshold:.2f}", "bold red" if dead else "green")


def draw_nodes(rows: Sequence[NodeRow], problem: str = "") -> Text:
    """Return a line per node, and one per model and GPU of it; who is lost says so in red."""
    lines: list[Text] = []
    now = datetime.now(UTC)
    for row in rows:
        if not row.alive and all(worker.ended for worker in row.workers):
            continue
        busy = sum(used for _, used, _ in row.list_slots())
        state = plain(f"  {busy} busy" if busy else "  idle", "green" if busy else _DIM)
        if not row.alive:
            silent = format_duration(max(0.0, (now - row.heard).total_seconds()))
            state = plain(f"  LOST for {silent}", "bold red")
        lines.append(
            Text.assemble(plain(row.role, "" if row.alive else "bold red"), plain(f" {row.host}", _DIM), state)
        )
        lines += [plain(f"  {text}", _DIM) for text in _list_meters(row)] if row.alive else []
    if problem:
        lines.append(plain(problem, "yellow"))
    return Text("\n").join(lines)


def _list_meters(row: NodeRow) -> Iterator[str]:
    meters = row.meters
    if meters is None:
        return
    if meters.sandboxes is not None:
        yield format_count(meters.sandboxes, "container")
    for gpu in meters.gpus:
        yield f"VRAM {gpu.used / _GB:.1f} of {gpu.total / _GB:.1f} GiB, {gpu.load} %"
    if row.role == "inference" and not meters.gpus:
        yield "no GPU seen"
    for model in meters.models:
        if model.model == TEMPLATES:
            continue
        vram = f", VRAM {model.vram / _GB:.1f} GiB" if model.vram else ""
        state = (
            "does not answer"
            if model.problem
            else ""
            if model.loaded is None
            else "loaded"
            if model.loaded
            else "not loaded"
        )
        yield f"{model.model} {state}{vram}".rstrip()


class CallPicture:
    """The model call that was heard of last, with the end of what it has streamed."""

    _CHARACTERS = 4_000

    def __init__(self) -> None:
        self._last: LiveMessage | None = None
        self._parts: list[tuple[bool, str]] = []

    def add(self, message: LiveMessage) -> None:
        """Take a message; one of another call takes its place, unless that call is still heard of and this one ends."""
        if self._last is None or message.call != self._last.call:
            if message.done and self._last is not None and not self._last.done:
                return
            self._parts = []
        if message.whole:
            self._parts = []
        if message.skipped:
            self._parts.append((True, " … "))
        self._parts += [(part.is_thought, part.text) for part in message.parts]
        while sum(len(text) for _, text in self._parts) > self._CHARACTERS and len(self._parts) > 1:
            self._parts.pop(0)
        self._last = message

    @property
    def title(self) -> str:
        """What the call is for, its model, how much has come, and how fast."""
        message = self._last
        if message is None:
            return "model"
        place = "" if message.branch is None else f"b{message.branch:02d}/{message.attempt} "
        speed = f", {message.pieces / message.seconds:.0f}/s" if message.seconds >= 1 else ""
        state = " done" if message.done else ""
        model = message.model.rpartition("#")[2]
        return f"{place}{message.purpose}{state} · {model} · {format_count(message.pieces, 'token')}{speed}"

    def draw(self) -> Text:
        """Return the end of what has come; thoughts are dim."""
        if self._last is None:
            return plain("No model is answering just now.", _DIM)
        text = Text.assemble(*(plain(text, f"italic {_DIM}" if is_thought else "") for is_thought, text in self._parts))
        begin = len(text.plain) - len(text.plain.lstrip())
        return text[begin:]


def draw_diff(text: str) -> Text:
    """Return a unified diff in the usual colours."""
    return Text("\n").join(plain(line, choose_diff_style(line)) for line in text.split("\n"))


def _flatten(text: str) -> str:
    return " ".join(text.split())


def join_lines(texts: Iterable[str], style: str) -> Text:
    """Return texts as lines of one style."""
    return Text("\n").join(plain(_flatten(text), style) for text in texts)
