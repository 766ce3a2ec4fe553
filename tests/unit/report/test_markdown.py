import re

import pytest

from hydranet.convergence.score import Command
from hydranet.genealogy import Ending, Genealogy, PersonMessage
from hydranet.policy.constitution import Decision, Effect
from hydranet.report.markdown import render_markdown
from tests.unit.report.hostile import HARMLESS, HOSTILE, genealogy
from tests.unit.report.story import ambiguous, attempt, branch, build_story, fixed, run


def report(genealogy: Genealogy) -> str:
    return render_markdown(build_story(genealogy))


def skeleton(text: str) -> list[str]:
    """Return the kind of each line without its text: the bars of a table, or the first mark."""
    lines, fence = [], ""
    for line in text.splitlines():
        if fence:
            lines.append("code")
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = re.sub("[^`].*", "", line)
            lines.append("fence")
        elif line.startswith("|"):
            lines.append("|" * len(re.findall(r"(?<!\\)\|", line)))
        else:
            lines.append(re.match(r"(#+ |- |)", line)[0])  # type: ignore[index]
    assert not fence
    return lines


@pytest.mark.parametrize("won", [True, False])
def test_hostile_text_changes_no_line_into_something_else(won: bool) -> None:
    hostile = report(genealogy(HOSTILE, won=won))
    assert skeleton(hostile) == skeleton(report(genealogy(HARMLESS, won=won)))
    assert not {"\x1b", "\x9b", "\u202e"} & set(hostile)


def test_outside_of_code_nothing_is_left_unescaped() -> None:
    text = report(genealogy(HOSTILE, won=False))
    text = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"(?<![\\`])(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"(?<!\\)[<`\[]", text)


def test_the_verdict_the_fix_and_what_it_did_differently() -> None:
    text = report(fixed())
    assert "**Fixed in 1 min 30 s by b03" in text
    assert "- It changed shop/voucher.py, which no other branch had touched." in text
    assert "-    return price - amount\n+    return max(price - amount, ZERO)\n" in text
    assert text.index("## What won") < text.index("## Strategies") < text.index("## What the Reaper saved")
    assert "## What is ruled out" not in text
    assert text.endswith("in the repository.\n")


def test_what_the_tests_leave_open_is_asked_with_what_each_fix_does_and_how_to_answer() -> None:
    text = report(ambiguous())
    assert "**What is right for apply(40, \\[\\]): that it returns 40, or that it returns 0?**\n" in text
    assert "```python\nfrom shop.voucher import apply\napply(40, [])\n```\n" in text
    assert "- **Fix 1 (published):** returns 40 (Keep the price above zero)\n" in text
    assert "- **Compared:** 5 candidates passed all tests, and behave in 2 ways in 34 calls.\n" in text
    assert "- **Answered:** apply(40, \\[50\\]) returns 0 (ann@laptop)\n" in text
    assert "- `hydra answer fix-shop-1a2b3c4d neither`: both are wrong: the search goes on\n" in text
    assert text.index("## What was checked") < text.index("## What the tests leave open") < text.index("## Strategies")
    assert "leave open" not in report(fixed())


def test_a_hostile_question_changes_no_line_into_something_else() -> None:
    lines = "\n".join([HARMLESS] * len(HOSTILE.splitlines()))
    hostile = report(ambiguous(HOSTILE))
    assert skeleton(hostile) == skeleton(report(ambiguous(lines)))
    assert not {"\x1b", "\x9b", "\u202e"} & set(hostile)


def test_scores_are_drawn_against_the_threshold() -> None:
    assert "3 ██████████████████████████████┃█████···· 0.91 > 0.75\n" in report(fixed())
    assert "2 ██████████████████████████····│········· 0.66\n" in report(fixed())


def test_what_was_saved_is_broken_down_by_branch() -> None:
    text = report(fixed())
    assert "| b01 | 3 | 5 | 1,000 | 10 s | 5,000 tokens, 50 s |" in text
    assert "Up to 11 attempts, 11,000 tokens and 1 min 50 s. That is 11 % of the 100,000 tokens" in text
    assert "An estimate" in text


def test_nothing_saved_is_said_plainly() -> None:
    assert "Nothing: it ended no branch." in report(run())
    last = run(branch(1, *(attempt(n, score=0.9) for n in range(1, 9))))
    assert "Nothing: it ended branches only at their last attempt." in report(last)


def test_a_run_without_a_fix_says_what_to_try_next_and_what_is_ruled_out() -> None:
    text = report(run(branch(1, attempt(1, score=0.9)), target_tests=("t::a",)))
    assert "## What to try next" in text
    assert "- b01: Another missing guard in total" in text
    assert "- Failing at the base: t::a\n- Failing at the base: 2 tests more\n" in text


def test_the_sandbox_flaky_tests_and_decisions_are_shown() -> None:
    allowed = Decision(operation="apply", subject="main", effect=Effect.ALLOWED, rule="person")
    text = report(
        run(environment="Docker 28; no dependencies", flaky=("t::a",), decisions=(allowed,), test_notes=("# cut",))
    )
    assert "- Sandbox: Docker 28; no dependencies\n- Flaky on the same code: t::a\n" in text
    assert "- Tests: \\# cut\n- Rule person: apply main is allowed\n" in text


def test_messages_are_shown_with_their_senders() -> None:
    messages = (PersonMessage(kind="override", sender="ann@host", text="Look at\n# the parser", after=12),)
    assert "- Message: override by ann@host after 12 s: Look at \\# the parser\n" in report(run(messages=messages))


def test_looks_and_refusals_are_shown() -> None:
    looks = (Command(command="list_dir ."), Command(command="run curl x", refused="guard:network: No network."))
    looking = attempt(1)
    looking = looking.model_copy(update={"facts": looking.facts.model_copy(update={"commands": looks})})
    text = report(run(branch(1, looking)))
    assert "| looks | 2 | 1 refused |" in text
    assert "Looked at: list\\_dir .; run curl x (refused: guard:network: No network.)" in text


def test_an_empty_and_a_running_run_have_a_report() -> None:
    assert "No branch was started." in report(run(verdict=None))
    going = report(run(branch(1, ending=Ending.RUNNING, reason=""), verdict=None))
    assert "**Where it is:** It is still being pursued." in going


def test_a_long_run_is_reported_whole() -> None:
    text = report(run(*(branch(n, attempt(1)) for n in range(1, 101))))
    assert text.count("\n## b") == 100
