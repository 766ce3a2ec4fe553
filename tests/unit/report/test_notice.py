"""Notices: what each says, and that a notice of the same thing has the same id."""

from datetime import UTC, datetime, timedelta

import pytest

from hydranet.budget import Usage
from hydranet.genealogy import Ending, Genealogy, Verdict
from hydranet.notice import NoticeKind
from hydranet.objection import Objection
from hydranet.person_wait import PersonWait, WaitSubject
from hydranet.report.notice import (
    list_reaps,
    render_text,
    tell_budget,
    tell_end,
    tell_lost_node,
    tell_missing_worker,
    tell_question,
)
from tests.unit.report.hostile import HOSTILE, genealogy
from tests.unit.report.story import ambiguous, asking, attempt, branch, run

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
WAIT = PersonWait(subject=WaitSubject.FIX, since=NOW, branch=2, attempt=1, diff="+x = 2\n", passing=7)


def wait(since: datetime = NOW) -> Genealogy:
    return run(branch(1, attempt(1, 2)), branch(2, attempt(1, 0))).model_copy(
        update={"waits": WAIT.model_copy(update={"since": since})}
    )


def test_a_question_has_diff_tests_alternatives_and_answers() -> None:
    notice = tell_question(wait())
    assert notice is not None
    text = render_text(notice)
    assert notice.kind is NoticeKind.WAITING
    assert "Is the fix of b02, " in text
    assert "\nPasses: " in text
    assert "\nAlternative: b01 " in text
    assert f"\n    hydra approve {notice.run}\n    hydra reject {notice.run}\n    hydra show {notice.run}\n" in text
    assert "\n+x = 2\n" in text
    assert tell_question(run(branch(1, attempt(1, 2)))) is None


def test_a_question_about_a_fix_says_what_the_reviewer_noted_of_that_fix() -> None:
    of_others = Objection(rule="swallowed-exception", file="a.py", text="Suppressed.", refuses=True, branch=1)
    own = Objection(rule="disabled", file="cart.py", line=7, text="An assertion was removed.", branch=2)
    notice = tell_question(wait().model_copy(update={"objections": (own, of_others)}))
    assert notice is not None
    text = render_text(notice)
    assert "\nThe reviewer noted: rule disabled: cart.py:7: An assertion was removed.\n" in text
    assert "Suppressed" not in text


def test_a_question_about_behaviour_has_what_each_fix_does_the_call_and_all_answers() -> None:
    notice = tell_question(asking())
    assert notice is not None
    text = render_text(notice)
    assert text.startswith("What is right for apply(40, []): that it returns 40, or that it returns 0? Invoices with a")
    assert "\nBefore: raises IndexError('pop from empty list')\nFix 1: returns 40 (Keep the price above zero)\n" in text
    assert [command.removeprefix(f"hydra answer {notice.run} ") for command in notice.commands] == [
        *("1", "2", "neither", "--value LITERAL", "unknown", f"hydra show {notice.run}")
    ]
    assert text.endswith(f"\nfrom shop.voucher import apply\napply(40, [])\n\nNotice {notice.id}\n")


def test_the_end_of_an_ambiguous_run_says_what_is_left_open_and_how_to_answer() -> None:
    notice = tell_end("r", NOW, "completed", ambiguous())
    assert notice.title.startswith("ambiguous (2 fixes the tests cannot tell apart): Invoices")
    assert "\nLeft open: What is right for apply(40, []): " in render_text(notice)
    assert f"hydra answer {notice.run} neither" in notice.commands
    assert f"hydra report {notice.run}" in notice.commands


@pytest.mark.parametrize("text", [HOSTILE, "\x1b[2J" + "é" * 1_990])
def test_a_hostile_or_long_question_fits_and_steers_nothing(text: str) -> None:
    for notice in (tell_question(asking(text)), tell_end("r", NOW, "completed", ambiguous(text))):
        assert notice is not None
        assert "\x1b" not in render_text(notice)
        assert "\u202e" not in render_text(notice)


def test_the_same_thing_has_the_same_id_and_another_has_another() -> None:
    first, same, later = (tell_question(wait(since)) for since in (NOW, NOW, NOW + timedelta(seconds=1)))
    assert first is not None
    assert same is not None
    assert later is not None
    assert first.id == same.id != later.id
    reaped = run(*(branch(number, attempt(1, 2), ending=Ending.REAPED) for number in (1, 2)))
    ids = [notice.id for notice in list_reaps(reaped, NOW)]
    assert ids == [notice.id for notice in list_reaps(reaped, NOW + timedelta(hours=1))]
    assert len({*ids, tell_budget(reaped, NOW, 0.9).id, tell_end("r", NOW, "completed", reaped).id}) == 4


def test_an_end_has_the_verdict_and_what_was_published_and_one_without_a_verdict_says_so() -> None:
    fixed = run(branch(1, attempt(1, 0))).model_copy(
        update={"verdict": Verdict.FIXED, "reason": "It works.", "published": "hydra/fix-x"}
    )
    text = render_text(tell_end(fixed.run_id, NOW, "completed", fixed))
    assert text.startswith(f"fixed: {fixed.title}\n\nIt works.\n\nPublished as: hydra/fix-x\n")
    assert tell_end("fix-x-1", NOW, "terminated", None).title == "terminated: fix-x-1"


def test_a_budget_tells_what_is_spent() -> None:
    spent = run(branch(1, attempt(1, 2))).model_copy(update={"usage": Usage(prompt_tokens=190_000)})
    notice = tell_budget(spent, NOW, 0.95)
    assert notice.title.startswith("95 % of the budget is spent: ")
    assert "190,000 tokens of 100,000" in notice.text


def test_nodes_and_queues_are_named() -> None:
    lost = tell_lost_node("sandbox", "gamma", NOW)
    assert (lost.subject, lost.title) == ("sandbox of gamma", "The sandbox of gamma is lost")
    missing = tell_missing_worker("hydra-sandbox", NOW, "no worker polls hydra-sandbox", "`hydra worker sandbox`")
    assert missing.commands[0] == "hydra worker sandbox"


def test_what_a_repository_or_a_model_wrote_steers_nothing() -> None:
    hostile = genealogy(HOSTILE, won=False)
    waiting = hostile.model_copy(update={"waits": WAIT.model_copy(update={"diff": HOSTILE, "failing": (HOSTILE,)})})
    notices = [tell_question(waiting), tell_end("r", NOW, "completed", hostile), *list_reaps(hostile, NOW)]
    for notice in filter(None, notices):
        assert "\x1b" not in render_text(notice)
        assert "\u202e" not in render_text(notice)
