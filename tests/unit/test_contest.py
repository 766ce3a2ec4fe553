"""Which fix a person's answers leave, and what is asked next."""

from hydranet.contest import Alternative, Contest, ContestedCall, choose_calls
from hydranet.question import BehaviourAnswer, Call, CallResult


def contested(arguments: str, *results: str, change: str = "", code: str = "") -> ContestedCall:
    call = Call(file="a.py", unit="total", arguments=arguments, change=change, code=code)
    return ContestedCall(
        call=call,
        before="returns 9",
        results=tuple(CallResult(text=f"returns {text}", code=text if code else "") for text in results),
    )


def contest(*calls: ContestedCall, doubts: tuple[float, ...] = (0, 0, 0)) -> Contest:
    names = (Alternative(title=f"fix {number}", diff="", doubt=doubt) for number, doubt in enumerate(doubts))
    return Contest(alternatives=tuple(names), calls=choose_calls(calls, len(doubts)))


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


def test_nothing_is_asked_where_one_fix_is_far_likelier() -> None:
    both = contest(ONE, OTHER, doubts=(0.1, 2.2, 2.3))
    assert both.find_question([0, 1, 2]) is None
    assert both.find_question([1, 2]) is not None


def test_the_call_that_is_easiest_to_judge_is_asked_about() -> None:
    varied = contested("[]", "1", "2", change="prices = empty", code="total([])")
    opaque, made = contested("<Cart>", "1", "2"), contested("[5, 5, 5]", "1", "2", code="total([5, 5, 5])")
    longer = contested("[5, 5, 5, 5]", "1", "2", code="total([5, 5, 5, 5])")
    for calls in ([varied, opaque, longer, made], [made, longer, opaque, varied]):
        assert choose_calls(calls, 2) == (made,)
    assert choose_calls([varied, opaque], 2) == (varied,)
