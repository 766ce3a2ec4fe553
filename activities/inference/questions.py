"""What an implementation is asked: the prompt, the code in focus as it shows it, and the lines that it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from activities.code.languages import find_language
from activities.inference.edits import Window
from activities.inference.prompts import Prompt, load_prompt
from hydranet.text.truncation import keep_start

if TYPE_CHECKING:
    from activities.inference.packing import Snippet
    from activities.inference.prompt_context import PromptContext

HUNK_LINES = 16
"""How many lines a hunk has; a few more where a statement would be cut."""

_LEAST_LINES = 4

_ONE_FUNCTION = (
    "Keep its name and parameters. Change only what is wrong. "
    "Answer with the complete corrected function in one {language}code block and nothing else."
)
_SEVERAL_FUNCTIONS = (
    "Keep their names and parameters. Change only what is wrong. "
    "Answer with each function that has to change, complete, in a {language}code block of its own, and nothing else."
)


@dataclass(frozen=True)
class Question:
    """A prompt with the definitions in focus as it shows them; `values` are its own placeholders."""

    prompt: Prompt
    focus: Sequence[Snippet] = ()
    window: Window | None = None
    values: Mapping[str, str] = field(default_factory=dict)


def build_question(name: str, view: PromptContext, focus: Sequence[Snippet], turn: int = 0) -> Question:
    """Return the question of the prompt `name`; of "hunk" the one about the hunk that is next at `turn`.

    A hunk needs one function in focus; without, the prompt is "replace".
    """
    languages = {find_language(snippet.place.file) for snippet in focus}
    language = languages.pop() if len(languages) == 1 else None
    values = {
        "language": f"{language.name} " if language else "",
        "comment": language.comment if language else "#",
    }
    if name == "implement":
        form = (_ONE_FUNCTION if len(focus) < 2 else _SEVERAL_FUNCTIONS).format_map(values)
        return Question(load_prompt(name), focus, values={"form": form})
    if name != "hunk":
        return Question(load_prompt(name), focus, values=values)
    if len(focus) != 1 or language is None:
        return Question(load_prompt("replace"), focus)
    place = focus[0].place
    source = view.sources[place.file]
    lines = source.split("\n")
    starts = language.list_statement_lines(source, place.first_line, place.last_line)
    # Below its decorators.
    start = next((item.start for item in view.definitions(place.file) if item.first == place.first_line), None)
    start = start or place.first_line
    body = next((line for line in starts if line > start), start + 1)
    hunks = choose_hunks(place.first_line, place.last_line, body, starts, view.score_lines(place))
    first, last = hunks[turn % len(hunks)]
    about = place.model_copy(update={"why": f"lines {first} to {last}, in `{place.symbol}`"[:300]})
    head = "" if first == place.first_line else _quote_head(lines, start, body)
    return Question(
        load_prompt("hunk"),
        [replace(focus[0], place=about, code="\n".join(lines[first - 1 : last]))],
        Window(place.file, first, last),
        {**values, "count": str(last - first + 1), "head": head},
    )


def choose_hunks(
    first: int, last: int, body: int, starts: Sequence[int], scores: Mapping[int, float]
) -> list[tuple[int, int]]:
    """Return the lines `first` to `last` in hunks that do not overlap, those with the highest scores first.

    None is the whole: of a function with few lines it is the one from `body` on.
    """
    length = last - first + 1
    if length <= 2 * _LEAST_LINES:
        return [(min(body, last), last)]
    size = min(HUNK_LINES, length // 2)
    free = set(range(first, last + 1))
    begins = [line for line in starts if first <= line <= last] or [first]
    hunks: list[tuple[int, int]] = []
    while free:
        best = max(free, key=lambda line: (scores.get(line, 0.0), -line))
        low = high = best
        while high - low + 1 < size and (low - 1 in free or high + 1 in free):
            if low - 1 in free and (best - low <= high - best or high + 1 not in free):
                low -= 1
            else:
                high += 1
        # Of whole statements only, as far as their lines are free.
        while low not in begins and low - 1 in free:
            low -= 1
        while high + 1 not in begins and high + 1 in free:
            high += 1
        hunks.append((low, high))
        free -= set(range(low, high + 1))
    # What is left between two hunks is too little to be asked for on its own.
    return [hunk for hunk in hunks if hunk[1] - hunk[0] + 1 >= _LEAST_LINES] or hunks


def _quote_head(lines: Sequence[str], start: int, body: int) -> str:
    head = lines[start - 1 : body - 1]
    return keep_start(" ".join(" ".join(head).split()), 300)
