"""Questions to a person: fixes that pass the same tests behave differently, and the tests do not say which is right."""

from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.bounded_models import CLEAN, BoundedModel, FilePath, Line, Name, Sender
from hydranet.text.formatting import format_count

DETAIL_CHARACTERS = 2_000
"""The most characters of a call, of what comes of it, and of the Python that makes it."""

ANSWERS = 8
"""The most questions that a run asks."""

Detail = Annotated[str, CLEAN, StringConstraints(max_length=DETAIL_CHARACTERS)]


class Comparison(BoundedModel):
    """How candidates that pass all tests were told apart: in so many `calls` they behave in so many ways."""

    candidates: int
    behaviours: int
    calls: int

    @property
    def sentence(self) -> str:
        """The comparison in one sentence."""
        calls = format_count(self.calls, "call")
        if self.candidates == 1:
            return f"One candidate passed all tests. It was compared with the code before in {calls}."
        if self.behaviours == 1:
            return f"{format_count(self.candidates, 'candidate')} passed all tests, and behave alike in {calls}."
        return f"{self.candidates} candidates passed all tests, and behave in {self.behaviours} ways in {calls}."


class Call(BoundedModel):
    """A call of a function that fixes change, as `test` makes it, or with what `change` says.

    It has `arguments` as text. `code` is Python that makes it, after the imports of `setup`; empty where none can.
    """

    file: FilePath
    unit: Name
    test: Name = ""
    arguments: Detail
    change: Detail = ""
    setup: Detail = ""
    code: Detail = ""

    @property
    def text(self) -> str:
        """The call as it is shown."""
        return self.code or f"{self.unit}({self.arguments})"

    def is_same(self, other: "Call") -> bool:
        """Return whether two records are about the same call."""
        return self.change == other.change and self.has_same_arguments(other)

    def has_same_arguments(self, other: "Call") -> bool:
        """Return whether two calls are of the same function with the same arguments, whatever was changed for that."""
        mine, theirs = ((call.file, call.unit, call.arguments) for call in (self, other))
        return mine == theirs


class CallResult(BoundedModel):
    """What comes of a call, as text such as `returns 0`; `code` is Python for the value, or the exception's name.

    `changes` are the end of the text that says what becomes of the arguments, None where nobody said. `check` is Python
    for these, in two lines: one that makes an argument, and an expression that is then true of the call and of it.
    """

    text: Detail
    code: Detail = ""
    raises: bool = False
    changes: Detail | None = None
    check: Detail = ""

    @property
    def outcome(self) -> str:
        """The text without what becomes of the arguments."""
        return self.text.removesuffix(f"; {self.changes}")

    def agrees(self, right: "CallResult") -> bool:
        """Return whether this is what is `right`, which may leave out what becomes of the arguments."""
        if self.text == right.text:
            return True
        if right.changes is None:
            is_same = self.text.startswith(f"{right.text}; ")
        elif self.changes != right.changes:
            return False
        else:
            is_same = self.outcome == right.outcome
        return is_same or (bool(self.code) and (self.code, self.raises) == (right.code, right.raises))


class Choice(BoundedModel):
    """A fix, and what it makes of the call; without a title it is the code before any fix."""

    title: Line = ""
    result: CallResult


class Vote(BoundedModel):
    """Which choice of a question a model takes for right, 1 or 2, and why; 0 where it does not keep to one."""

    model: Name
    right: Annotated[int, Field(ge=0, le=2)] = 0
    reason: Line = ""

    @property
    def sentence(self) -> str:
        """The vote in one sentence."""
        if not self.right:
            return f"{self.model} does not keep to one"
        return f"{self.model} takes {self.right} for right: {self.reason}"


class BehaviourQuestion(BoundedModel):
    """A call of which two fixes make something else, and what the code makes of it `before` any fix.

    Where the second choice is the code as it was, a fix changes what no test checks. A model may have a `vote`.
    """

    call: Call
    before: Detail
    choices: Annotated[tuple[Choice, ...], Field(min_length=2, max_length=2)]
    vote: Vote | None = None

    @property
    def is_about_change(self) -> bool:
        """Whether it asks if a change that no test checks is right, rather than which of two fixes is."""
        second = self.choices[1]
        return not second.title and second.result.text == self.before

    @property
    def text(self) -> str:
        """The question in one sentence."""
        first, second = self.list_results()
        if self.is_about_change:
            return f"Is it right that {self.call.text} now {first}, and {second} no more?"
        return f"What is right for {self.call.text}: that it {first}, or that it {second}?"

    @property
    def is_second_voted_for(self) -> bool:
        """Whether a model takes the second of two fixes for right."""
        return self.vote is not None and self.vote.right == 2 and not self.is_about_change

    def swap(self) -> "BehaviourQuestion":
        """Return the question with its choices in the other order."""
        first, second = self.choices
        vote = self.vote.model_copy(update={"right": (0, 2, 1)[self.vote.right]}) if self.vote else None
        return self.model_copy(update={"choices": (second, first), "vote": vote})

    def list_results(self) -> list[str]:
        """Return what each choice makes of the call, without what becomes of the arguments where that is alike."""
        results = [choice.result for choice in self.choices]
        if results[0].changes == results[1].changes:
            return [result.outcome for result in results]
        return [result.text for result in results]


class BehaviourAnswer(BoundedModel):
    """What a person said of a call: what is `right`, or, where that is not known, what is `wrong`; perhaps neither.

    `before` is what the code makes of it before any fix.
    """

    call: Call
    before: Detail = ""
    right: CallResult | None = None
    wrong: Annotated[tuple[Detail, ...], Field(max_length=2)] = ()
    sender: Sender = ""

    @property
    def tells(self) -> bool:
        """Whether it says anything."""
        return self.right is not None or bool(self.wrong)

    def allows(self, result: CallResult) -> bool:
        """Return whether a fix may make this of the call."""
        if self.right is not None:
            return result.agrees(self.right)
        return result.text not in self.wrong

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        if self.right is not None:
            return f"{self.call.text} {self.right.text}"
        return (
            f"{self.call.text} neither {' nor '.join(self.wrong)}" if self.wrong else f"{self.call.text} is not known"
        )


Answers = Annotated[tuple[BehaviourAnswer, ...], Field(max_length=ANSWERS)]
