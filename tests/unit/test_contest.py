"""Which fix a person's answers leave, and what is asked next."""

from hydranet.contest import Alternative, Contest, ContestedCall, make_contest
from hydranet.question import BehaviourAnswer, Call, CallResult


def contested(
    arguments: str, *results: str, change: str = "", code: str = "", is_passing: bool = False
) -> ContestedCall:
    call = Call(file="a.py", unit="total", arguments=arguments, change=change, code=code)
    return ContestedCall(
        call=call,
        before=CallResult(text="returns 9"),
        results=tuple(CallResult(text=f"returns {text}", code=text if code else "") for text in results),
        is_passing=is_passing,
    )


def contest(*calls: ContestedCall, doubts: tuple[float, ...] = (0, 0, 0)) -> Contest:
    names = [Alternative(title=f"fix {number}", diff="", doubt=doubt) for number, doubt in enumerate(doubts)]
    return make_contest(names, calls)


ONE, OTHER = contested("[]", "0", "1", "0"), contested("[1, 2]", "3", "3", "4")


def test_each_answer_leaves_fewer_until_nothing_tells_the_rest_apart() -> None:
    both = contest(ONE, OTHER)
    question = both.find_question(both.list_left(()))
    assert question is not None
    assert question.text == "What is right for total([]): that it returns 0, or that it returns 1?"
    assert question.before == "returns 9"
    answer = BehaviourAnswer(call=question.call, right=question.choices[0].result)
    assert both.list_left([answer]) == [0, 2]
    other = both.find_question([0, 2])
    assert other is not None
    assert other.call.arguments == "[1, 2]"
    wrong = BehaviourAnswer(call=other.call, wrong=("returns 3",))
    assert both.list_left([answer, wrong]) == [2]
    assert both.find_question([2]) is None


def test_an_answer_may_leave_none() -> None:
    both = contest(ONE, OTHER)
    assert both.list_left([BehaviourAnswer(call=ONE.call, right=CallResult(text="returns 7"))]) == []
    assert both.list_left([BehaviourAnswer(call=ONE.call, wrong=("returns 0", "returns 1"))]) == []


def test_an_answer_about_a_value_leaves_open_what_becomes_of_arguments() -> None:
    answer = BehaviourAnswer(call=ONE.call, right=CallResult(text="returns 1"))
    assert answer.allows(CallResult(text="returns 1; prices becomes [1]"))
    assert not answer.allows(CallResult(text="returns 10"))


def test_an_answer_tells_fixes_apart_that_only_leave_their_arguments_otherwise() -> None:
    def leave(changes: str, code: str = "None") -> CallResult:
        text = f"returns {code}"
        return CallResult(text=f"{text}; {changes}" if changes else text, code=code, changes=changes)

    call = Call(file="a.py", unit="Cart.clear", arguments="self=Cart([1])", code="Cart([1]).clear()")
    results = tuple(leave(changes) for changes in ("self becomes Cart([])", "self becomes Cart([0])", ""))
    both = contest(ContestedCall(call=call, before=leave(""), results=results))
    question = both.find_question([0, 1])
    assert question is not None
    assert question.text.endswith(
        "that it returns None; self becomes Cart([]), or that it returns None; self becomes Cart([0])?"
    )
    for number in range(3):
        assert both.list_left([BehaviourAnswer(call=call, right=results[number])]) == [number]
    assert both.list_left([BehaviourAnswer(call=call, right=CallResult(text="returns None", code="None"))]) == [0, 1, 2]
    alike = ContestedCall(call=call, before=leave(""), results=(leave("self becomes 1", "1"), leave("self becomes 1")))
    asked = contest(alike, doubts=(0, 0)).find_question([0, 1])
    assert asked is not None
    assert asked.text == "What is right for Cart([1]).clear(): that it returns 1, or that it returns None?"


def test_nothing_is_asked_where_one_fix_is_far_likelier() -> None:
    both = contest(ONE, OTHER, doubts=(0.1, 2.2, 2.3))
    assert both.find_question([0, 1, 2]) is None
    assert both.find_question([1, 2]) is not None


def test_a_change_that_no_test_checks_is_asked_about_once_nothing_else_is() -> None:
    near, same = contested("[1]", "8", "8", is_passing=True), contested("[2]", "9", "9", is_passing=True)
    both = contest(ONE, near, same, contested("[3]", "7", "7"), doubts=(0, 0))
    first = both.find_question([0, 1])
    assert first is not None
    assert first.call == ONE.call
    second = both.find_question([0])
    assert second is not None
    assert second.text == "Is it right that total([1]) now returns 8, and returns 9 no more?"
    assert both.find_question([]) is None
    agreed, refused = (BehaviourAnswer(call=near.call, right=choice.result) for choice in second.choices)
    assert both.find_question([0], [agreed]) is None
    elsewhere = BehaviourAnswer(call=ONE.call, before="returns 9", right=second.choices[0].result)
    assert both.find_question([0], [elsewhere]) is None
    assert both.list_left([agreed]) == [0, 1]
    assert both.list_left([refused]) == []


def test_a_change_unlike_that_of_the_failing_tests_is_asked_about_first() -> None:
    failing = contested("[]", "0")
    like, unlike = contested("[1]", "0", is_passing=True), contested("[1, 2, 3]", "4", is_passing=True)
    for calls, asked in (((failing, like, unlike), unlike), ((failing, like), like)):
        question = contest(*calls, doubts=(0,)).find_question([0])
        assert question is not None
        assert question.call == asked.call
    other_state = ContestedCall(
        call=like.call,
        before=CallResult(text="returns 9; self becomes 1", changes="self becomes 1"),
        results=(CallResult(text="returns 0; self becomes 2", changes="self becomes 2"),),
        is_passing=True,
    )
    question = contest(failing, other_state, unlike, doubts=(0,)).find_question([0])
    assert question is not None
    assert question.call == unlike.call
    unchanged, of_failing = contested("[1]", "9", is_passing=True), contested("[]", "0", change="a", is_passing=True)
    assert contest(failing, unchanged, of_failing, doubts=(0,)).find_question([0]) is None


def test_the_call_that_is_easiest_to_judge_is_asked_about() -> None:
    varied = contested("[]", "1", "2", change="prices = empty", code="total([])")
    opaque, made = contested("<Cart>", "1", "2"), contested("[5, 5, 5]", "1", "2", code="total([5, 5, 5])")
    longer = contested("[5, 5, 5, 5]", "1", "2", code="total([5, 5, 5, 5])")
    for calls in ([varied, opaque, longer, made], [made, longer, opaque, varied]):
        assert contest(*calls, doubts=(0, 0)).calls == (made,)
    assert contest(varied, opaque, doubts=(0, 0)).calls == (varied,)


def test_a_call_of_which_any_answer_leaves_fewer_fixes_is_asked_about() -> None:
    short, telling = (
        contested("[1]", "0", "1", "0", code="total([1])"),
        contested("[1, 2]", "3", "4", "5", code="t([1, 2])"),
    )
    question = contest(short, telling).find_question([0, 1, 2])
    assert question is not None
    assert question.call == telling.call
