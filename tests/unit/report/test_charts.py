import pytest

from hydranet.budget import Budget
from hydranet.genealogy import Ending
from hydranet.report.charts import BOTTOM, LEFT, RIGHT, TOP, draw_bar, draw_plot, draw_strip, draw_timeline
from tests.unit.report.story import attempt, branch, build_story, fixed, run


def test_scores_stand_between_the_axis_and_one() -> None:
    drawn = draw_plot(branch(1, attempt(1, score=0.0), attempt(2, score=1.0)), run())
    assert [point.y for point in drawn.points] == [BOTTOM, TOP]
    # Three quarters of the way up from 98 to 10.
    assert drawn.threshold == 32.0


def test_there_is_room_for_the_attempts_that_were_allowed() -> None:
    drawn = draw_plot(branch(1, attempt(1)), run(budget=Budget(attempts_per_branch=2)))
    # Two slots of 121 each.
    assert drawn.slots == ((1, 84.5), (2, 205.5))
    assert drawn.line == "84.5,98.0"


def test_a_long_branch_keeps_within_its_frame() -> None:
    long = branch(1, *(attempt(number) for number in range(1, 201)))
    drawn = draw_plot(long, run(budget=Budget(attempts_per_branch=200)))
    assert [number for number, _ in drawn.slots] == [1, 200]
    assert all(LEFT <= point.x <= RIGHT for point in drawn.points)
    short = draw_plot(branch(1, attempt(1), attempt(2)), run(budget=Budget(attempts_per_branch=200)))
    assert [number for number, _ in short.slots] == [1, 2]
    assert draw_plot(branch(1), run(budget=Budget(attempts_per_branch=200))).points == ()


def test_branches_lie_on_the_time_line_of_the_run() -> None:
    first, _, last = draw_timeline(build_story(fixed()))
    # From second 10 to 42 of 90, its attempts ending at 20, 30 and 40.
    assert (first.left, round(first.left + first.width, 1)) == (111.1, 466.7)
    assert first.marks == (222.2, 333.3, 444.4)
    assert (last.left, last.left + last.width) == (777.8, 1000.0)


def test_a_branch_that_has_only_just_begun_is_still_to_be_seen() -> None:
    late = branch(1, ended=90.0), branch(2, ending=Ending.RUNNING, began=90.0)
    span = draw_timeline(build_story(run(*late, verdict=None)))[1]
    assert (span.left, span.width) == (996.0, 4.0)
    assert draw_strip(span) == "·" * 47 + "█"
    assert draw_timeline(build_story(run(branch(1))))[0].width == 4.0


@pytest.mark.parametrize(
    ("value", "threshold", "drawn"),
    [(0.0, 0.5, "··│·"), (0.5, 0.5, "██│·"), (0.75, 0.5, "██┃·"), (1.0, 1.0, "███┃"), (0.5, 1.0, "██·│")],
)
def test_a_bar_crosses_the_line_above_the_threshold(value: float, threshold: float, drawn: str) -> None:
    assert draw_bar(value, threshold, 4) == drawn
