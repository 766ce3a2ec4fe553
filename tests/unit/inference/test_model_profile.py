import pytest

from activities.inference.model_profile import ModelProfile, find_profile
from activities.inference.packing import Snippet
from hydranet.contracts import Place
from hydranet.settings import EditFormat, ModelSettings


def focus(length: int) -> list[Snippet]:
    return [Snippet(Place(file="a.py", symbol="f", first_line=1, last_line=2), "x" * length)]


def test_a_model_may_have_a_format_of_its_own() -> None:
    settings = ModelSettings(edit_formats={"ollama:big": "diff", "ollama:small": "search_replace"}, samples=3)
    assert find_profile("ollama:other", settings) == ModelProfile(("function", "search_replace"), 3, investigations=2)
    assert find_profile("ollama:big", settings).formats == ("diff", "function")
    assert find_profile("ollama:small", settings).formats == ("search_replace", "function")


def test_what_does_not_fit_into_an_answer_is_asked_for_in_parts() -> None:
    assert ModelProfile().prompt(focus(100), "", 0) == "implement"
    assert ModelProfile().prompt(focus(5000), "", 0) == "replace"
    assert ModelProfile().prompt([], "", 0) == "replace"
    assert ModelProfile(("file",)).prompt(focus(100), "x" * 100, 0) == "file"
    assert ModelProfile(("file",)).prompt(focus(100), "x" * 5000, 0) == "replace"
    assert ModelProfile(("diff",)).prompt(focus(5000), "", 7) == "diff"
    assert ModelProfile(narrow="hunk").prompt(focus(5000), "", 0) == "hunk"


@pytest.mark.parametrize(
    ("model", "small"),
    [
        ("ollama:qwen2.5-coder:1.5b", True),
        ("ollama:qwen2.5-coder:0.5B-instruct-q4_K_M", True),
        ("openai:http://7b.example:8000/v1#Qwen/Qwen2.5-Coder-3B-Instruct", True),
        ("openai:http://1b.example:8000/v1#Qwen/Qwen2.5-Coder-14B-Instruct", False),
        ("ollama:qwen2.5-coder:7b", False),
        ("ollama:devstral", False),
        ("ollama:qwen3-coder:30b-a3b", False),
    ],
)
def test_small_models_are_asked_for_more_changes_and_no_plans(model: str, small: bool) -> None:
    formats: tuple[EditFormat, ...] = ("function", "file" if small else "search_replace")
    found = find_profile(model, ModelSettings())
    assert (found.formats, found.samples, found.deliberates) == (formats, 4 if small else 2, not small)
    assert found.investigations == 2
    assert (found.narrow, found.room.code) == (("hunk", 0) if small else ("search_replace", 3600))
    assert found.prompt(focus(1200), "", 0) == "implement"
    assert found.prompt(focus(1201), "", 0) == ("hunk" if small else "implement")
    chosen = find_profile(model, ModelSettings(samples=1, deliberate=small, investigations=0))
    assert (chosen.samples, chosen.deliberates, chosen.investigations) == (1, small, 0)
