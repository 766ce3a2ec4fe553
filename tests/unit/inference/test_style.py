from activities.inference.style import Style, style
from hydranet.contracts import Shown, Snippet
from hydranet.settings import ModelSettings


def focus(length: int) -> list[Snippet]:
    return [Snippet(shown=Shown(file="a.py", symbol="f", first_line=1, last_line=2), code="x" * length)]


def test_a_model_may_have_a_format_of_its_own() -> None:
    settings = ModelSettings(edit_formats={"ollama:big": "diff", "ollama:small": "search_replace"}, samples=3)
    assert style("ollama:other", settings) == Style(("function", "search_replace"), 3)
    assert style("ollama:big", settings).formats == ("diff", "function")
    assert style("ollama:small", settings).formats == ("search_replace", "function")


def test_what_does_not_fit_into_an_answer_is_asked_for_in_parts() -> None:
    assert Style().prompt(focus(100), "", 0) == "implement"
    assert Style().prompt(focus(5000), "", 0) == "replace"
    assert Style().prompt([], "", 0) == "replace"
    assert Style(("file",)).prompt(focus(100), "x" * 100, 0) == "file"
    assert Style(("file",)).prompt(focus(100), "x" * 5000, 0) == "replace"
    assert Style(("diff",)).prompt(focus(5000), "", 7) == "diff"
