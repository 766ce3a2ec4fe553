"""The screens before the panels: a run to choose, a text to send, a question to answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

from hydra_cli.terminal import plain


class ChoiceScreen(ModalScreen[str]):
    """A list of runs, of which one is chosen; the result is empty where none is."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,ctrl+c", "dismiss('')", "leave")]

    def __init__(self, runs: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._runs = runs

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog"):
            yield Static(plain("Which run? Enter chooses, q leaves.", "bold"), markup=False)
            yield OptionList(*(plain(f"{run}  {facts}") for run, facts in self._runs), markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the chosen run."""
        self.dismiss(self._runs[event.option_index][0])


class TextScreen(ModalScreen[str | None]):
    """A question with a line for the answer; the result is None where it is called off."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,ctrl+c", "dismiss(None)", "call off")]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Lay out question and line."""
        with Vertical(classes="dialog small"):
            yield Static(plain(self._question, "bold"), markup=False)
            yield Input()
            yield Static(plain("Enter sends, Esc calls it off."), markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the answer."""
        self.dismiss(event.value)


class QuestionScreen(ModalScreen[str]):
    """A question, with what it is about in view, which a key answers; the result is the key, empty for none.

    `answers` are the keys, each with what it does.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,ctrl+c", "dismiss('')", "back"),
        ("y", "answer('y')", "yes"),
        ("n", "answer('n')", "no"),
        *((key, f"answer('{key}')", key) for key in "12vu"),
    ]
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, question: str, body: Text, answers: dict[str, str]) -> None:
        super().__init__()
        self._question = question
        self._body = body
        self._answers = answers

    def compose(self) -> ComposeResult:
        """Lay out what it is about between the question and its keys."""
        keys = "   ".join(f"{key} {what}".strip() for key, what in {**self._answers, "Esc": "back"}.items())
        with Vertical(classes="dialog"):
            yield Static(plain(self._question, "bold"), markup=False)
            with VerticalScroll():
                yield Static(self._body, markup=False)
            yield Static(plain(keys), markup=False)

    def action_answer(self, key: str) -> None:
        """Return a key that answers."""
        if key in self._answers:
            self.dismiss(key)
