"""The pull request of a run: what it says, how long it is, and that no forge acts on what it quotes."""

import re

import pytest

from hydranet.question import Comparison
from hydranet.report.pull_request import BODY_CHARACTERS, TITLE_CHARACTERS, disarm, write_body, write_title
from hydranet.text.escaping import escape_markdown, format_code
from tests.unit.report.hostile import HOSTILE, genealogy
from tests.unit.report.story import ambiguous, build_story, fixed

JOINER = "\u2060"


def test_it_says_what_it_fixes_and_holds_the_report() -> None:
    text = write_body(build_story(fixed()), "Fixes #7")
    assert text.startswith("Fixes #7\n\nHydraNet made this change and verified it")
    for part in ("**Fixed in 1 min 30 s by b03", "## What won", "## The run"):
        assert part in text
    assert f"# {fixed().title}\n" not in text
    assert "left out here" not in text
    assert "the run wrote itself" not in text


def test_a_fix_by_a_test_of_the_runs_own_says_so_before_the_report() -> None:
    run = fixed().model_copy(update={"written_tests": "tests/test_x.py, of the issue's example"})
    text = write_body(build_story(run))
    assert text.index("a test that the run wrote itself** (tests/test\\_x.py") < text.index("## What won")


def test_an_ambiguous_fix_comes_with_its_question_before_the_report() -> None:
    text = write_body(build_story(ambiguous()))
    asked = "**The tests cannot tell this fix from another that passes them too.** What is right for apply(40, "
    assert text.index(asked) < text.index("## What won") < text.index("## What the tests leave open")
    several = ambiguous().model_copy(update={"comparison": Comparison(candidates=9, behaviours=4, calls=2)})
    assert "from 3 others that pass them too.**" in write_body(build_story(several))
    hostile = write_body(build_story(ambiguous("returns @team closes #12")))
    hostile = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", hostile, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"@\w|#\d", re.sub(r"`[^`]*`", "", hostile))


def test_a_long_report_is_cut_by_whole_parts() -> None:
    run = fixed()
    branches = [
        b.model_copy(update={"number": n, "attempts": b.attempts * 20}) for b in run.branches for n in range(30)
    ]
    run = run.model_copy(update={"branches": tuple(branches[:100])})
    text = write_body(build_story(run), "Fixes #7")
    assert BODY_CHARACTERS / 2 < len(text) <= BODY_CHARACTERS
    assert text.endswith(f"`hydra report {run.run_id}` prints the whole.\n")
    assert text.count("```") % 2 == 0


@pytest.mark.parametrize(
    "words", ["@team", "closes #12", "Fixes GH-12", "fixes !3", "see https://x.org/a/b/issues/1", "/merge"]
)
def test_quoted_words_act_on_nothing(words: str) -> None:
    shown = disarm(escape_markdown(words))
    assert not re.search(r"(^|\W)@\w|#\d|GH-\d|!\d|://|^/", shown)
    assert re.sub(r"\\(?=\W)", "", shown).replace(JOINER, "") == words


def test_code_stays_as_it_is() -> None:
    line = f"{escape_markdown('a `b` c')} {format_code('@property #1')} {format_code('``x`` #2')} #3"
    assert disarm(line) == line.replace("#3", f"#{JOINER}3")


def test_hostile_text_of_a_run_acts_on_nothing() -> None:
    run = genealogy(HOSTILE + " @team closes #12 /merge", won=True)
    text = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", write_body(build_story(run)), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"(?<![\\`])(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"@\w|#\d|^/", text, re.MULTILINE)


def test_a_title_is_one_line_of_limited_length() -> None:
    run = fixed().model_copy(update={"title": "It\n\x1b[2J" + "x" * 290})
    title = write_title(run)
    assert title.startswith("It ␛[2Jx")
    assert len(title) == TITLE_CHARACTERS
