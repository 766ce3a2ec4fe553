"""The text of an issue: whole parts, as many as a run takes, and what is left out is told."""

from activities.forges.answers import Comment
from activities.forges.issues import join_issue
from hydranet.bounded_models import ISSUE_CHARACTERS


def test_title_body_and_comments_are_one_text() -> None:
    comments = [Comment("ann", "Since 1.2.\n"), Comment("bot", " "), Comment("b\nob", "`f(1)` gives 2")]
    text, left_out = join_issue("It\nbreaks", "\nOften.\n", comments, 3)
    assert text == "It breaks\n\nOften.\n\nComment by ann:\nSince 1.2.\n\nComment by b ob:\n`f(1)` gives 2"
    assert left_out == ""


def test_comments_that_do_not_fit_are_left_out_whole_and_counted() -> None:
    comments = [Comment("ann", "x" * (ISSUE_CHARACTERS - 100)), Comment("bob", "y" * 200), Comment("eve", "z")]
    text, left_out = join_issue("It breaks", "", comments, 40)
    assert len(text) <= ISSUE_CHARACTERS
    assert text.endswith("x")
    assert left_out == "Left out of the issue: 39 of its comments."


def test_a_body_that_is_too_long_is_cut() -> None:
    text, left_out = join_issue("It breaks", "x" * ISSUE_CHARACTERS, [Comment("ann", "Yes.")], 1)
    assert len(text) == ISSUE_CHARACTERS
    assert left_out == "Left out of the issue: its text beyond 65,536 characters and 1 of its comments."


def test_what_no_text_holds_is_replaced() -> None:
    text, _ = join_issue("a\0b", "c\ud800", [Comment("d", "e\0")], 1)
    assert text == "a\ufffdb\n\nc\ufffd\n\nComment by d:\ne\ufffd"
