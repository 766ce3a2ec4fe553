from datetime import UTC, datetime

import pytest

from hydranet.genealogy import (
    AttemptRecord,
    BranchRecord,
    Ending,
    Genealogy,
    KnownFailure,
    Outcome,
    PersonMessage,
    Reproduction,
    Verdict,
)
from hydranet.person_wait import PersonWait, WaitSubject
from hydranet.report.web_ui import LIMIT, render_details
from hydranet.strategy import Strategy
from tests.unit.report.hostile import HOSTILE
from tests.unit.report.story import ambiguous, asking


def test_it_names_the_target_the_known_failures_and_the_budget_left() -> None:
    known = (KnownFailure(test="test_net", cause="no network"),)
    run = genealogy().model_copy(
        update={"target_tests": ("test_a", "test_b"), "known_failures": known, "known_count": 1}
    )
    details = render_details(run)
    assert "- Target: test\\_a and test\\_b\n" in details
    assert "- Known failures, left as they are: test\\_net (no network)\n" in details
    assert "- Budget left: 1 h after the last attempt, 200,000 tokens and 10 branches\n" in details
    assert "Budget left" not in render_details(run.model_copy(update={"verdict": Verdict.FAILED}))


def genealogy(branches: int = 2, attempts: int = 2, title: str = "Fix f()") -> Genealogy:
    records = tuple(
        AttemptRecord(number=n + 1, outcome=Outcome.FAILED, summary=f"change {n}" * 20) for n in range(attempts)
    )
    return Genealogy(
        run_id="fix-x-1",
        repository_name="x",
        title="It | breaks",
        branches=tuple(
            BranchRecord(
                number=n + 1, id=f"b{n}", strategy=Strategy(title=title), attempts=records, ending=Ending.REAPED
            )
            for n in range(branches)
        ),
    )


def test_every_branch_and_attempt_is_shown() -> None:
    page = render_details(genealogy())
    assert page.count("### b0") == 2
    assert page.count("| 0.00 |") == 4
    assert "reaped" in page


def test_what_comes_from_outside_cannot_break_the_markdown() -> None:
    page = render_details(genealogy(title="<img src=x> [a](b) `c` | d\n# e"))
    assert "<img" not in page.replace("\\<img", "")
    assert "\n# e" not in page
    assert "It \\| breaks" in page


def test_the_last_message_is_told_with_its_sender() -> None:
    messages = tuple(PersonMessage(kind=kind, sender="<b>ann", after=3) for kind in ("pause", "resume"))
    page = render_details(genealogy().model_copy(update={"messages": messages}))
    assert "- Message: resume by \\<b\\>ann after 3.0 s\n" in page
    assert "- Message: pause by" in page


def test_a_long_history_is_folded_from_its_oldest_end() -> None:
    page = render_details(genealogy(branches=60, attempts=8))
    assert len(page.encode()) <= LIMIT
    assert "earlier branches" in page
    assert "### b60" in page
    assert "### b01 " not in page


def test_the_verdict_comes_first() -> None:
    ended = genealogy().model_copy(update={"verdict": Verdict.FIXED, "reason": "done", "published": "hydra/fix-x"})
    assert "**fixed**: done" in render_details(ended).split("###")[0]
    assert "hydra/fix-x" in render_details(ended)


def test_a_drafted_test_can_be_read() -> None:
    drafted = Reproduction(code="x = f(1)\n\nassert `x` == 2")
    page = render_details(genealogy().model_copy(update={"reproduction": drafted}))
    assert "- Drafted test: `x = f(1)`\n- Drafted test: ``assert `x` == 2``\n" in page


def ask(diff: str) -> Genealogy:
    wait = PersonWait(subject=WaitSubject.FIX, since=datetime.now(UTC), branch=2, attempt=1, diff=diff, passing=7)
    return genealogy(branches=2).model_copy(update={"waits": wait, "target_tests": ("test_a",), "target_count": 1})


def test_what_waits_for_a_person_is_shown_with_its_diff_its_tests_and_its_alternatives() -> None:
    page = render_details(ask("+++ b/a.py\n@@ -1 +1 @@\n-    x = `1`\n+    x = <b>2\n"))
    assert "- **Is the fix of b02, Fix f(), to be published?**\n" in page
    assert "- Passes: test\\_a, and 6 others\n" in page
    assert "- Alternative: b01 Fix f(): reaped, 2 attempts, 0 of 1 failing at best\n" in page
    assert "- `hydra approve fix-x-1`: publish the fix\n" in page
    assert "- `` -\u00a0\u00a0\u00a0\u00a0x\u00a0=\u00a0`1` ``\n" in page
    assert "\u00a0x\u00a0=\u00a0<b>2`\n" in page, "a code span shows what looks like HTML as it is"


def test_a_long_diff_leaves_room_for_the_branches() -> None:
    page = render_details(ask("".join(f"+{'é`' * 40} {number}\n" for number in range(140))))
    assert len(page.encode()) <= LIMIT
    assert "lines more: `hydra show fix-x-1`\n" in page
    assert "### b02" in page


def test_a_question_about_behaviour_is_shown_with_its_answers_while_it_waits_and_at_the_end() -> None:
    for run in (asking(), ambiguous()):
        page = render_details(run)
        assert "- **What is right for apply(40, \\[\\]): that it returns 40, or that it returns 0?**\n" in page
        assert "- `hydra answer fix-shop-1a2b3c4d 2`: it returns 0\n" in page
        assert "- Before: raises IndexError('pop from empty list')\n" in page
        assert "- Changed: no test makes this call as it is: vouchers = empty\n" in page
        assert "- `apply(40,\u00a0[])`\n" in page
        assert "- Answered: apply(40, \\[50\\]) returns 0 (ann@laptop)\n" in page
    assert "- **ambiguous (2 fixes the tests cannot tell apart)**: " in page


@pytest.mark.parametrize("text", [HOSTILE, "é" * 2_000, "<" * 2_000, "\U0001f40d" * 2_000, "x\n" * 1_000])
def test_a_hostile_or_long_question_leaves_room_for_the_branches(text: str) -> None:
    for run in (asking(text), ambiguous(text)):
        page = render_details(run)
        assert len(page.encode()) <= LIMIT
        assert "`hydra answer fix-shop-1a2b3c4d neither`" in page
        assert "### b03" in page
        assert not {"\x1b", "\u202e"} & set(page)
