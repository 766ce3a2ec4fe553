"""Which of the candidates that pass all tests is taken, and what is told of the others."""

from collections.abc import Sequence

import pytest

from hydranet import patches
from hydranet.contracts import Candidate, Trial
from hydranet.question import BehaviourAnswer, CallResult
from tests.integration.conftest import Make

CODE = "def total(prices):\n    return sum(prices) + 1\n"
TESTS = "from cart import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"


async def attempt(project: Make, code: str, tests: str, expressions: Sequence[tuple[str, str]]) -> Trial:
    """Try candidates that each replace a text of the code by another."""
    # Long enough for a machine that is busy with other tests.
    files = {"cart.py": code, "test_cart.py": tests}
    made = await project(files, test_command="python -m pytest -q", compare_seconds=60)
    return await made.attempt((await made.test()).results, change(code, expressions))


def change(code: str, expressions: Sequence[tuple[str, str]]) -> list[Candidate]:
    diffs = (patches.make_diff("cart.py", code, code.replace(*expression)) for expression in expressions)
    return [Candidate(diff=diff, title="change") for diff in diffs]


async def test_candidates_that_behave_alike_are_told_as_one(project: Make) -> None:
    trial = await attempt(project, CODE, TESTS, [("prices) + 1", "prices)"), ("+ 1", "+ 0")])
    assert trial.passing == 2
    assert trial.title.startswith("change (2 candidates pass, and behave alike in ")


async def test_the_shortest_call_that_tells_candidates_apart_is_asked_about(project: Make) -> None:
    trial = await attempt(project, CODE, TESTS, [("sum(prices) + 1", "sum(prices)"), ("sum(prices) + 1", "3")])
    assert trial.title == "change (2 candidates pass, in 2 ways)"
    assert trial.question is not None
    assert (trial.question.call.setup, trial.question.call.code) == ("from cart import total", "total([])")
    assert [choice.result.code for choice in trial.question.choices] == ["0", "3"]
    assert trial.contest is not None


async def test_no_candidate_passes_that_contradicts_an_answer(project: Make) -> None:
    made = await project({"cart.py": CODE, "test_cart.py": TESTS}, test_command="python -m pytest -q")
    baseline = (await made.test()).results
    both = change(CODE, [("sum(prices) + 1", "sum(prices)"), ("sum(prices) + 1", "3")])
    question = (await made.attempt(baseline, both)).question
    assert question is not None
    right = BehaviourAnswer(call=question.call, right=CallResult(text="returns 3", code="3"))
    trial = await made.attempt(baseline, both, [right])
    assert (trial.index, trial.passing, trial.report.passed) == (1, 1, True)
    neither = BehaviourAnswer(call=question.call, wrong=("returns 0", "returns 3"))
    trial = await made.attempt(baseline, both[:1], [neither])
    assert not trial.report.passed
    assert trial.report.reason == "It contradicts the answer: total([]) neither returns 0 nor returns 3"
    elsewhere = BehaviourAnswer(call=question.call.model_copy(update={"file": "gone.py"}), wrong=("returns 0",))
    assert (await made.attempt(baseline, both[:1], [elsewhere])).report.passed


RATES = """
def rate(weight, express=False):
    if weight < 10:
        return 5
    return 9 if express else 7
"""
RATE_TESTS = """
from cart import rate

def test_a_light_parcel():
    assert rate(9) == 5

def test_a_heavy_parcel():
    assert rate(20) == 7

def test_the_limit():
    assert rate(10, True) == 5
"""


async def test_what_passing_tests_have_seen_stays_where_it_can(project: Make) -> None:
    """The second candidate is the cheaper one in tokens, and changes what no test asserts of `rate(20)`."""
    tests = RATE_TESTS.replace("assert rate(20) == 7", "rate(20)")
    trial = await attempt(project, RATES, tests, [("weight < 10", "weight <= 10"), ("< 10", "< 99")])
    assert (trial.passing, trial.index) == (2, 0)


STATE = """
class Account:
    def __init__(self):
        self.entries = []

    def book(self, amount):
        self.entries.append(amount + 1)
        return len(self.entries)
"""
STATE_TESTS = """
from cart import Account

def test_book():
    account = Account()
    account.book(3)
    assert account.entries[0] == 3
"""


async def test_what_a_call_changes_tells_candidates_apart(project: Make) -> None:
    trial = await attempt(
        project, STATE, STATE_TESTS, [("(amount + 1)", "(amount)"), ("(amount + 1)", "(abs(amount))")]
    )
    assert trial.question is not None
    assert "self becomes Account(entries=[" in trial.question.text


PRICES = """def add(prices, price):
    prices.append(price + 1)
"""
PRICE_TESTS = """from cart import add


def test_add():
    prices = [1]
    add(prices, 2)
    assert prices == [1, 2]
"""


async def test_what_becomes_of_an_argument_is_written_as_a_check(project: Make) -> None:
    trial = await attempt(project, PRICES, PRICE_TESTS, [("price + 1", "price"), ("price + 1", "abs(price)")])
    assert trial.question is not None
    first = trial.question.choices[0].result
    assert trial.question.call.code == "add([1], -2)"
    assert first.check == "prices = [1]\n(add(prices, -2), prices) == (None, [1, -2])"


HOSTILE = """
import os, sys, time

class Evil:
    def __init__(self):
        self.me = self
    def __eq__(self, other):
        os._exit(3)
    def __repr__(self):
        time.sleep(60)
    def __reduce__(self):
        os._exit(4)
    __hash__ = None

def total(prices, evil):
    return sum(prices) + 1
"""
HOSTILE_TESTS = """
from cart import Evil, total

def test_total():
    result = total([1, 2], Evil())
    assert result == 3
"""
WAYS = [
    "os._exit(0) if not prices else sum(prices)",
    "time.sleep(60) if not prices else sum(prices)",
    "bytearray(10**10) if not prices else sum(prices)",
]


async def test_hostile_values_and_candidates_end_nothing_else(project: Make) -> None:
    ways = [("sum(prices) + 1", way) for way in ("sum(prices)", *WAYS)]
    trial = await attempt(project, HOSTILE, HOSTILE_TESTS, ways)
    assert (trial.index, trial.passing) == (0, 1 + len(WAYS))
    assert f"{1 + len(WAYS)} candidates pass, in {1 + len(WAYS)} ways" in trial.title


@pytest.mark.parametrize("victim", ["os.getppid()", "-1"])
async def test_what_a_candidate_disturbs_tells_nothing(project: Make, victim: str) -> None:
    way = f"os.kill({victim}, 9) if not prices else sum(prices)"
    ways = [("sum(prices) + 1", "sum(prices)"), ("sum(prices) + 1", way)]
    trial = await attempt(project, HOSTILE, HOSTILE_TESTS, ways)
    assert (trial.index, trial.passing) == (0, 2)
    assert "behave" not in trial.title


async def test_a_change_of_more_than_functions_is_not_compared(project: Make) -> None:
    code = "MORE = 1\n\n\ndef total(prices):\n    return sum(prices) + MORE\n"
    trial = await attempt(project, code, TESTS, [("MORE = 1", "MORE = 0"), ("+ MORE", "+ 0")])
    assert trial.passing == 2
    assert "1 other candidate passes too: change" in trial.title


async def test_a_candidate_that_passes_alone_is_asked_about_where_it_changes_what_passing_tests_are_near(
    project: Make,
) -> None:
    trial = await attempt(project, RATES, RATE_TESTS, [("< 10", "<= 10")])
    assert trial.question is not None
    assert trial.question.is_about_change
    assert trial.question.text == "Is it right that rate(10) now returns 5, and returns 7 no more?"
    alone = await attempt(project, CODE, TESTS, [("sum(prices) + 1", "sum(prices)")])
    assert alone.comparison is not None
    assert (alone.title, alone.question) == ("change", None)


LINKS = """class Sheet:
    def __init__(self):
        self.uses = {}

    def link(self, cell, used):
        if cell == used or self.uses.get(used) == cell:
            raise ValueError(f"{cell} would use itself")
        self.uses[cell] = used
        return 0
"""
LINK_TESTS = """from cart import Sheet


def test_the_first():
    assert Sheet().link("A", "Z") == 1


def test_others():
    Sheet().link("C", "A")
    sheet = Sheet()
    sheet.link("A", "B")
    sheet.link("B", "C")
"""


async def test_a_value_of_one_test_shows_in_the_state_of_another_what_a_fix_takes_away(project: Make) -> None:
    body = LINKS[LINKS.index(" or self") :]
    wrong = body.replace(" or self.uses.get(used) == cell", "").replace("return 0", "return 1")
    trial = await attempt(project, LINKS, LINK_TESTS, [(body, wrong)])
    assert trial.question is not None
    call = "Sheet.link(self=Sheet(uses={'A': 'B'}), cell='B', used='A')"
    assert trial.question.text.startswith(f"Is it right that {call} now returns 1; self becomes ")
    assert trial.question.text.endswith("and raises ValueError('B would use itself') no more?")


async def test_what_differs_by_chance_is_left_out(project: Make) -> None:
    chance = "sum(prices) + 0 * __import__('time').time_ns()"
    different = "sum(prices) if prices else __import__('time').time_ns()"
    trial = await attempt(project, CODE, TESTS, [("sum(prices) + 1", chance), ("sum(prices) + 1", different)])
    assert "behave alike in" in trial.title


DOCUMENTED = '''def total(prices):
    """Return what prices cost together.

    >>> total([1, 2, 3])
    6
    >>> total([])
    0
    """
    return sum(prices) + 1
'''


async def test_an_example_in_a_docstring_decides_between_candidates(project: Make) -> None:
    wrong, right = ("sum(prices) + 1", "sum(prices[:2])"), ("sum(prices) + 1", "sum(prices)")
    for order in ([wrong, right], [right, wrong]):
        trial = await attempt(project, DOCUMENTED, f"{TESTS}# {order.index(right)}\n", order)
        assert (trial.index, trial.passing, trial.question) == (order.index(right), 2, None)


async def test_an_example_in_the_readme_is_asked_about_where_a_fix_breaks_it(project: Make) -> None:
    readme = "Run this:\n\n>>> from cart import total\n>>> total([5, 6, 7])\n18\n"
    code = "def total(prices):\n    return sum(prices) - (prices == [1, 2])\n"
    files = {"cart.py": code, "test_cart.py": TESTS, "README.md": readme}
    made = await project(files, test_command="python -m pytest -q")
    diff = change(code, [("return sum(prices) - (prices == [1, 2])", "return 3")])
    trial = await made.attempt((await made.test()).results, diff)
    assert trial.question is not None
    assert trial.question.text == "Is it right that total([5, 6, 7]) now prints 3, and prints 18 no more?"
    assert trial.question.call.test == "an example in the documentation of README.md"


HOSTILE_EXAMPLES = '''class Liar:
    """Cannot be looked at.

    >>> Liar()
    1
    """

    def __repr__(self):
        raise SystemExit


def total(prices):
    """Return what prices cost together.

    >>> while True: total([])
    >>> import os; os._exit(1)
    >>> total([9])
    9
    """
    return sum(prices) + 1


# >>> not an example (
total.__doc__ += "\\n>>> 1 +\\n"
'''


async def test_examples_that_do_not_end_or_cannot_be_read_end_nothing_else(project: Make) -> None:
    trial = await attempt(project, HOSTILE_EXAMPLES, TESTS, [("sum(prices) + 1", "sum(prices)")])
    assert trial.report.passed
    assert trial.comparison is not None
