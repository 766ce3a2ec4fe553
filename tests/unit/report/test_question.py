"""What a run asks about the behaviour of fixes: facts, answers, and sentences of limited length."""

from hydranet.genealogy import Genealogy, Verdict
from hydranet.question import BehaviourQuestion, CallResult, Choice, Vote
from hydranet.report.advice import give_advice
from hydranet.report.question import PersonQuestion, ask_behaviour, ask_question, is_about_change
from hydranet.report.wording import describe_verdict
from tests.unit.report.story import ambiguous, asking, build_story, fixed, question


def ask(run: Genealogy) -> PersonQuestion:
    asked = ask_question(run)
    assert asked is not None
    return asked


def test_it_says_what_each_fix_does_what_was_before_and_which_test_makes_the_call() -> None:
    asked = ask(asking())
    assert asked.text == "What is right for apply(40, []): that it returns 40, or that it returns 0?"
    assert asked.facts == (
        ("Before", "raises IndexError('pop from empty list')"),
        ("Fix 1", "returns 40 (Keep the price above zero)"),
        ("Fix 2", "returns 0 (Return early without vouchers)"),
        ("Reached by", "tests/test_voucher.py::test_two_vouchers"),
        ("Changed", "no test makes this call as it is: vouchers = empty"),
        ("Compared", "5 candidates passed all tests, and behave in 2 ways in 34 calls."),
    )
    assert asked.proposal == "from shop.voucher import apply\napply(40, [])"
    assert asked.answers == (
        ("hydra answer fix-shop-1a2b3c4d 1", "it returns 40"),
        ("hydra answer fix-shop-1a2b3c4d 2", "it returns 0"),
        ("hydra answer fix-shop-1a2b3c4d neither", "both are wrong: the search goes on"),
        ("hydra answer fix-shop-1a2b3c4d --value LITERAL", "it returns another value"),
        (
            "hydra answer fix-shop-1a2b3c4d unknown",
            "nobody knows: the first is published, and the run ends as ambiguous",
        ),
    )
    assert ask(ambiguous()).answers == asked.answers[:4], "nobody knows is what it ended with"


def test_the_vote_of_a_model_is_told_beside_the_question() -> None:
    vote = Vote(model="openai:big", right=2, reason="Vouchers are worth nothing.")
    run = ambiguous().model_copy(update={"question": question().model_copy(update={"vote": vote})})
    assert dict(ask(run).facts)["Vote"] == "openai:big takes 2 for right: Vouchers are worth nothing."
    unsure = question().model_copy(update={"vote": Vote(model="openai:big")})
    run = ambiguous().model_copy(update={"question": unsure})
    assert dict(ask(run).facts)["Vote"] == "openai:big does not keep to one"


def test_a_call_that_a_test_makes_is_not_called_changed() -> None:
    run = ambiguous().model_copy(update={"question": question(change="")})
    assert "Changed" not in dict(ask(run).facts)


def test_a_change_that_no_test_checks_is_told_from_what_was_before() -> None:
    plain = question()
    before = Choice(result=CallResult(text=plain.before))
    changed = plain.model_copy(update={"choices": (plain.choices[0], before)})
    run = ambiguous().model_copy(update={"question": changed})
    asked = ask(run)
    raised = "raises IndexError('pop from empty list')"
    assert asked.text == f"Is it right that apply(40, []) now returns 40, and {raised} no more?"
    assert [label for label, _ in asked.facts][:2] == ["Before", "Fix 1 (published)"]
    assert "Fix 2" not in dict(asked.facts)
    assert dict(asked.answers)["hydra answer fix-shop-1a2b3c4d 2"] == f"it {raised}, as before: the search goes on"
    assert is_about_change(run)
    assert not is_about_change(ambiguous())
    assert describe_verdict(run) == "ambiguous (the fix changes what no test checks)"
    assert "the fix that passes changes what no test checks" in build_story(run).headline
    assert give_advice(run)[-1].text == "Write a test of what is right there, commit it, and start a new run."


def test_what_an_ambiguous_run_leaves_open_is_asked_and_says_which_fix_is_published() -> None:
    assert "Fix 1 (published)" in dict(ask(ambiguous()).facts)
    assert "Fix 2" in dict(ask(ambiguous()).facts)
    for verdict in (Verdict.FIXED, Verdict.EXHAUSTED, None):
        assert ask_behaviour(ambiguous().model_copy(update={"verdict": verdict})) is None
    assert ask_question(fixed()) is None


def test_a_long_question_about_a_change_stays_one() -> None:
    alike = "returns [" + "0, " * 600
    plain = make_question(f"{alike}1]", f"{alike}2]")
    first, second = plain.choices
    changed = plain.model_copy(
        update={"choices": (first, second.model_copy(update={"title": ""})), "before": second.result.text}
    )
    asked = ask(ambiguous().model_copy(update={"question": changed}))
    assert asked.text.startswith("Is it right that ")
    assert asked.text.endswith("0, 2] no more?")


def make_question(first: str, second: str) -> BehaviourQuestion:
    plain = question()
    choices = (
        choice.model_copy(update={"result": CallResult(text=text)})
        for choice, text in zip(plain.choices, (first, second), strict=True)
    )
    call = plain.call.model_copy(update={"code": "", "setup": "", "arguments": ", ".join(["'é'"] * 390)})
    return plain.model_copy(update={"call": call, "choices": tuple(choices)})


def test_a_long_question_is_short_and_still_says_where_the_results_differ() -> None:
    alike = "returns [" + "0, " * 600
    asked = ask(ambiguous().model_copy(update={"question": make_question(f"{alike}1]", f"{alike}2]")}))
    assert len(asked.text) < 800
    assert "that it returns …" in asked.text
    assert "0, 1], or that it returns …" in asked.text
    assert asked.text.endswith("0, 2]?")
    facts = dict(asked.facts)
    assert ", 0, 2] (" in facts["Fix 2"], "the facts have all of it"
    assert facts["Call"].endswith("'é')")
    assert asked.proposal == ""


def test_long_results_that_differ_from_the_beginning_are_cut_at_the_end() -> None:
    run = ambiguous().model_copy(update={"question": make_question("returns " + "1" * 1_000, "raises " + "2" * 1_000)})
    (_, first), (_, second), *_ = ask(run).answers
    assert first.startswith("it returns 111")
    assert second.startswith("it raises 222")
    assert max(len(first), len(second)) < 210
