"""What a model is asked about the code in focus, by the prompt's name."""

from itertools import pairwise

import pytest

from activities.inference.edits import Window
from activities.inference.packing import Snippet
from activities.inference.prompt_context import PromptContext
from activities.inference.questions import Question, build_question, choose_hunks
from hydranet.contracts import ArtifactRef, Place, RetrievedContext

HEAD = "import os\n\n\n@wrapped(\n    1,\n)\ndef load(\n    path,\n    mode='r',\n):\n    text = ''\n"
BODY = "".join(f"    if path == {number}:\n        text += '{number}'\n" for number in range(30))
SOURCE = HEAD + BODY + "    return text\n\n\ndef short(x):\n    return x\n"
LAST = HEAD.count("\n") + BODY.count("\n") + 1


def ask(name: str, *symbols: str, turn: int = 0, scores: dict[int, float] | None = None, issue: str = "") -> Question:
    context = RetrievedContext(issue=ArtifactRef(sha256="0" * 64, size=0))
    view = PromptContext(issue, context, frozenset({"a.py"}), sources={"a.py": SOURCE})
    view.line_scores = {"a.py": scores or {}}
    return build_question(name, view, view.focus(("a.py",), symbols), turn)


@pytest.mark.parametrize("turn", range(4))
def test_each_turn_asks_for_another_hunk_the_most_suspicious_first(turn: int) -> None:
    question = ask("hunk", "load", turn=turn, scores={40: 1.0})
    assert question.prompt.name == "hunk"
    assert question.window is not None
    first, last = question.window.first, question.window.last
    assert question.focus[0].code == "\n".join(SOURCE.split("\n")[first - 1 : last])
    assert (first <= 40 <= last) == (turn == 0)
    assert question.values["count"] == str(last - first + 1)
    assert question.values["head"] == ("" if first == 4 else "def load( path, mode='r', ):")


def test_without_coverage_the_words_of_the_issue_choose_the_hunk() -> None:
    assert ask("hunk", "load", issue="The `mode` is ignored.").window == Window("a.py", 4, 19)


@pytest.mark.parametrize("symbols", [(), ("load", "short")])
def test_lines_of_no_single_function_cannot_be_asked_for(symbols: tuple[str, ...]) -> None:
    assert ask("hunk", *symbols).prompt.name == "replace"


def test_of_a_function_with_few_lines_the_hunk_is_its_body() -> None:
    question = ask("hunk", "short")
    assert question.window == Window("a.py", LAST + 4, LAST + 4)
    assert question.focus[0].code == "    return x"
    assert question.values["head"] == "def short(x):"
    assert ask("implement", "short").window is None


@pytest.mark.parametrize("length", [1, 2, 5, 8, 9, 20, 21, 50, 400])
@pytest.mark.parametrize("step", [1, 3, 9])
def test_hunks_never_overlap_and_hold_whole_statements(length: int, step: int) -> None:
    first, last = 10, 9 + length
    starts = list(range(first, last + 1, step))
    hunks = sorted(choose_hunks(first, last, min(first + 1, last), starts, {first + length // 2: 1.0}))
    assert all(first <= low <= high <= last for low, high in hunks)
    assert all(before[1] < after[0] for before, after in pairwise(hunks))
    assert length <= 8 or all(low in starts for low, _ in hunks)
    assert length == 1 or step == 9 or (first, last) not in hunks
    assert sum(high - low + 1 for low, high in hunks) >= 0.4 * length


def test_the_snippet_says_which_lines_it_holds() -> None:
    (snippet,) = ask("hunk", "load", scores={40: 1.0}).focus
    assert isinstance(snippet, Snippet)
    assert isinstance(snippet.place, Place)
    assert snippet.place.why.startswith("lines ")
