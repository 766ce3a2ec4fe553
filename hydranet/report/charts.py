"""The geometry of a report's charts: the score at each attempt, and the time of each branch."""

from typing import NamedTuple

from hydranet.genealogy import AttemptRecord, BranchRecord, Genealogy, Outcome
from hydranet.report.postmortem import Chapter, Postmortem

WIDTH, HEIGHT = 300, 120
LEFT, RIGHT, TOP, BOTTOM = 24, 266, 10, 98

_SLOTS = 20
"""The most attempts for which a plot has room for those that were allowed but not made."""


class Point(NamedTuple):
    """An attempt in a plot; `kind` is passed, dead (above the threshold) or alive."""

    x: float
    y: float
    attempt: AttemptRecord
    kind: str


class Plot(NamedTuple):
    """The score over a branch's attempts: points and their line, the threshold's height, the places of numbers."""

    points: tuple[Point, ...]
    line: str
    threshold: float
    slots: tuple[tuple[int, float], ...]


def draw_plot(branch: BranchRecord, genealogy: Genealogy) -> Plot:
    """Return the plot of a branch, with room for the attempts that its budget allowed."""
    count, allowed = len(branch.attempts), genealogy.budget.attempts_per_branch
    slots = max(count, allowed if allowed <= _SLOTS else 0, 1)
    step = (RIGHT - LEFT) / slots
    points = tuple(
        Point(
            _round(LEFT + (place + 0.5) * step),
            _find_height(attempt.score.value),
            attempt,
            _classify(attempt, genealogy),
        )
        for place, attempt in enumerate(branch.attempts)
    )
    shown = range(1, slots + 1) if slots <= _SLOTS else (1, slots)
    return Plot(
        points=points,
        line=" ".join(f"{point.x},{point.y}" for point in points),
        threshold=_find_height(genealogy.threshold),
        slots=tuple((number, _round(LEFT + (number - 0.5) * step)) for number in shown),
    )


class Span(NamedTuple):
    """A branch on the run's time line, in thousandths of the run; `marks` are the ends of its attempts."""

    chapter: Chapter
    left: float
    width: float
    marks: tuple[float, ...]


def draw_timeline(story: Postmortem) -> list[Span]:
    """Return when each branch ran, from the start of the run to its end."""
    total = max(story.seconds, 1e-9)

    def place(seconds: float) -> float:
        return _round(1000 * min(max(seconds / total, 0.0), 1.0))

    spans = []
    for chapter in story.chapters:
        left, end = place(chapter.branch.began), place(chapter.ended)
        marks = tuple(place(attempt.after) for attempt in chapter.branch.attempts)
        # A branch that took no time at all stays visible.
        width = max(end - left, 4.0)
        spans.append(Span(chapter, min(left, 1000 - width), width, marks))
    return spans


def draw_bar(value: float, threshold: float, width: int = 40) -> str:
    """Return a score as a bar of text, with a line at the threshold."""
    filled, line = round(value * width), min(round(threshold * width), width - 1)
    cells = ["█" if cell < filled else "·" for cell in range(width)]
    cells[line] = "┃" if line < filled else "│"
    return "".join(cells)


def draw_strip(span: Span, width: int = 48) -> str:
    """Return a branch on the time line as text."""
    left = min(int(span.left * width / 1000), width - 1)
    length = min(max(1, round(span.width * width / 1000)), width - left)
    return f"{'·' * left}{'█' * length}{'·' * (width - left - length)}"


def _find_height(value: float) -> float:
    return _round(BOTTOM - value * (BOTTOM - TOP))


def _classify(attempt: AttemptRecord, genealogy: Genealogy) -> str:
    if attempt.outcome is Outcome.PASSED:
        return "passed"
    return "dead" if attempt.score.value > genealogy.threshold else "alive"


def _round(number: float) -> float:
    return round(number, 1)
