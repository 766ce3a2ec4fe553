"""The tree that `hydra show` prints."""

from io import StringIO

from rich.console import Console

from hydra_cli.tree import render_tree
from hydra_cli.waiting import print_question
from hydranet.convergence.score import Attempt, Command
from hydranet.genealogy import AttemptRecord, BranchRecord, Genealogy, Outcome, PersonMessage, Reproduction
from hydranet.objection import Objection
from hydranet.report.question import ask_question
from hydranet.strategy import Strategy
from tests.unit.report.story import ambiguous, asking

HOSTILE = "turn \x1b[2J around \u202e"
LOOKS = (
    Command(command="read_file a.py", result="1f"),
    Command(command="run curl x", refused="guard:network: There is no network in the sandbox."),
)


def shown(terms: bool) -> str:
    attempt = AttemptRecord(number=1, summary=HOSTILE, outcome=Outcome.FAILED, facts=Attempt(commands=LOOKS))
    branch = BranchRecord(number=1, id="run/b01", strategy=Strategy(title=HOSTILE), attempts=(attempt,), reason=HOSTILE)
    output = StringIO()
    run = Genealogy(
        run_id="run",
        repository_name="shop",
        title=HOSTILE,
        environment="Docker 28, image x; no dependencies",
        flaky=("test_a", "test_b"),
        test_notes=(f"The middle of the output was left out.{HOSTILE}",),
        reproduction=Reproduction(
            code=f"x = f(1)\nassert x, '{HOSTILE}'",
            refused=("draft 1: it is empty", "draft 3: it is empty", f"draft 2: {HOSTILE}"),
        ),
        branches=(branch,),
        state=HOSTILE,
        messages=(
            PersonMessage(kind="reap", sender=f"{HOSTILE}\nb09  passed", text="b01: too\nslow", after=75),
            PersonMessage(kind="pause", after=0.5),
        ),
    )
    Console(file=output, width=200).print(render_tree(run, terms=terms))
    return output.getvalue()


def test_looks_and_refusals_are_counted_and_shown_with_their_rule() -> None:
    assert "2 looks (1 refused)" in shown(terms=False)
    screen = shown(terms=True)
    assert "looked: read_file a.py" in screen
    assert "refused run curl x (guard:network: There is no network in the sandbox.)" in screen


def test_the_sandbox_and_flaky_tests_are_shown() -> None:
    assert "sandbox: Docker 28, image x; no dependencies" in shown(terms=True)
    assert "flaky on the same code: test_a and test_b" in shown(terms=True)
    assert "tests: The middle of the output was left out." in shown(terms=True)


def test_a_drafted_test_is_shown_with_its_lines_and_why_others_were_refused() -> None:
    screen = shown(terms=False)
    assert "    x = f(1)\n    assert x, 'turn ␛[2J around \ufffd'" in screen
    assert "3 drafts refused: draft 1 and draft 3: it is empty; draft 2: turn ␛[2J around \ufffd" in screen


def test_messages_are_shown_with_their_senders_in_one_line_each() -> None:
    lines = [line for line in shown(terms=True).splitlines() if line.startswith("message: ")]
    assert lines == [
        "message: reap by turn ␛[2J around \ufffd b09 passed after 1 min 15 s: b01: too slow",
        "message: pause by an unknown sender after 0.5 s",
    ]


def draw(run: Genealogy) -> str:
    output = StringIO()
    Console(file=output, width=200).print(render_tree(run, terms=True))
    return output.getvalue()


def test_an_ambiguous_run_says_how_many_fixes_there_are_how_they_were_compared_and_what_was_answered() -> None:
    screen = draw(ambiguous())
    assert "ambiguous (2 fixes the tests cannot tell apart)  why it ended\n" in screen
    assert "tests: All 40 tests pass. They were run again on a clean checkout.\n" in screen
    assert "compared: 5 candidates passed all tests, and behave in 2 ways in 34 calls.\n" in screen
    assert "answered: apply(40, [50]) returns 0 (ann@laptop)\n" in screen
    assert not {"\x1b", "\u202e"} & set(draw(ambiguous(HOSTILE)))


def test_a_question_is_printed_as_it_is_and_steers_nothing() -> None:
    output = StringIO()
    console = Console(file=output, width=200)
    for run in (asking(), asking(HOSTILE)):
        question = ask_question(run)
        assert question is not None
        print_question(console, run, question)
    screen = output.getvalue()
    assert "  What is right for apply(40, []): that it returns 40, or that it returns 0?\n" in screen
    assert "  fix 2: returns 0 (Return early without vouchers)\n" in screen
    assert "    from shop.voucher import apply\n    apply(40, [])\n" in screen
    assert "  hydra answer fix-shop-1a2b3c4d --value LITERAL  it returns another value\n" in screen
    assert not {"\x1b", "\u202e"} & set(screen)


def test_what_a_model_wrote_does_not_steer_the_terminal() -> None:
    screen = shown(terms=True)
    assert "\x1b" not in screen
    assert "\u202e" not in screen
    assert screen.count("turn ␛[2J around") == 9


def test_what_the_reviewer_noted_is_shown_and_does_not_act() -> None:
    output = StringIO()
    noted = Objection(rule="disabled", file="a.py", line=3, text=f"It is gone.{HOSTILE}", branch=2)
    refused = noted.model_copy(update={"refuses": True, "branch": 1})
    run = Genealogy(run_id="run", repository_name="shop", title="t", objections=(noted, refused))
    Console(file=output, width=200).print(render_tree(run))
    assert "The reviewer noted of b02: rule disabled: a.py:3: It is gone." in output.getvalue()
    assert "refuses" not in output.getvalue(), "its branch says so"
    assert "\x1b[2J" not in output.getvalue()
