import pytest

from hydranet.budget import Usage
from hydranet.genealogy import AttemptRecord, Ending, Outcome, Verdict
from hydranet.question import Comparison
from tests.unit.report.story import ambiguous, attempt, branch, build_story, fixed, run


def test_every_branch_has_its_figures_its_reason_and_its_lesson() -> None:
    first, second, last = build_story(fixed()).chapters
    assert (first.name, first.seconds, first.fewest, first.highest) == ("b01", 32.0, 3, 0.91)
    assert (second.name, second.seconds, second.fewest, second.highest) == ("b02", 21.0, 2, 0.8)
    assert (last.name, last.seconds, last.fewest, last.lesson) == ("b03", 20.0, 0, None)
    assert first.left == "It circles."
    assert first.lesson is not None
    assert first.lesson.failed == "Each time TypeError in total in shop/invoice.py; at best 3 of 3 tests still fail."


@pytest.mark.parametrize(
    ("verdict", "headline"),
    [
        (Verdict.EXHAUSTED, "Not fixed: nothing that was tried passed the tests (1 strategy, 2 attempts, 1 min 30 s)."),
        (Verdict.ABORTED, "Aborted before a fix was found (1 strategy, 2 attempts, 1 min 30 s)."),
        (Verdict.FAILED, "Failed: the run could not go on (1 strategy, 2 attempts, 1 min 30 s)."),
    ],
)
def test_a_run_without_a_fix_says_so_first(verdict: Verdict, headline: str) -> None:
    assert build_story(run(branch(1, attempt(1), attempt(2), ended=90.0), verdict=verdict)).headline == headline


def test_a_fixed_run_says_how_long_it_took_and_what_was_given_up() -> None:
    whole = fixed()
    assert (
        build_story(whole).headline
        == "Fixed in 1 min 30 s by b03, after 2 other strategies had been given up, 2 of them reaped."
    )
    alone = whole.model_copy(update={"branches": whole.branches[2:]})
    assert build_story(alone).headline == "Fixed in 1 min 30 s by the first strategy."


def test_the_headline_of_an_ambiguous_run_counts_the_fixes() -> None:
    several = ambiguous().model_copy(update={"comparison": Comparison(candidates=9, behaviours=3, calls=2)})
    start, end = (
        "Ambiguous after 1 min 30 s: ",
        " pass, and the tests cannot tell them apart. The likeliest is published",
    )
    by = ", found by b03, after 2 other strategies had been given up, 2 of them reaped."
    assert build_story(ambiguous()).headline == f"{start}2 fixes{end}{by}"
    assert build_story(several).headline == f"{start}3 fixes{end}{by}"
    alone = ambiguous().model_copy(update={"comparison": None, "branches": ()})
    assert build_story(alone).headline == f"{start}2 fixes{end}."


def test_a_running_run_stands_where_its_last_record_is() -> None:
    going = branch(1, attempt(1, after=25.0), ending=Ending.RUNNING, began=5.0, reason="")
    story = build_story(run(going, verdict=None))
    assert story.seconds == 25.0
    assert story.chapters[0].seconds == 20.0
    assert story.chapters[0].left == "It is still being pursued."
    assert story.chapters[0].lesson is None
    assert story.headline == "Still running: working (1 strategy, 1 attempt, 25 s so far)."


def test_a_branch_that_has_only_just_begun_took_no_time() -> None:
    assert build_story(run(branch(1, ending=Ending.RUNNING, began=5.0), verdict=None)).chapters[0].seconds == 0.0


def test_an_empty_run_has_a_post_mortem() -> None:
    story = build_story(run(verdict=None))
    assert (story.chapters, story.won, story.savings.branches, story.seconds) == ((), None, (), 0.0)
    assert story.ruled_out == []


def test_attempts_that_were_not_tested_say_nothing_about_failing_tests() -> None:
    untested = AttemptRecord(number=1, outcome=Outcome.NO_PATCH)
    cut_off = AttemptRecord(number=2, outcome=Outcome.FAILED)
    assert build_story(run(branch(1, untested, cut_off))).chapters[0].fewest is None


def test_tokens_outside_of_branches_are_counted_apart() -> None:
    assert build_story(run(branch(1, attempt(1, tokens=700)), usage=Usage(prompt_tokens=1000))).elsewhere == 300


def test_what_is_ruled_out_names_its_branch() -> None:
    assert [name for name, _ in build_story(fixed()).ruled_out] == ["b01", "b02"]
