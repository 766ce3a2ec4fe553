"""Prompts are versioned, filled once, and cannot be broken out of."""

import hashlib

import pytest

from activities.inference.prompts import Prompt, load_prompt
from hydranet.text.escaping import fence

# Raise the version of a prompt whenever its text changes: results are compared by it.
TEXTS = {
    "context@2": "0e51c9777913",
    "correct@1": "839fd3e16845",
    "diff@1": "d8c5093af0e0",
    "file@4": "606fcc38e919",
    "hunk@2": "0996a90ccdf4",
    "implement@2": "66a12b590586",
    "plan@3": "c568bbfcd464",
    "rank@1": "1f86c38245be",
    "reflect@3": "0579e8a18e10",
    "replace@1": "5fb0cb3403ad",
    "reproduce@1": "7488654d4902",
    "strategies@1": "b133d8661155",
    "system@1": "de7ef29d5e03",
}


@pytest.mark.parametrize("known", TEXTS)
def test_a_changed_text_has_a_new_version(known: str) -> None:
    found = load_prompt(known.partition("@")[0])
    assert {found.id: hashlib.sha256(found.text.encode()).hexdigest()[:12]} == {known: TEXTS[known]}


@pytest.mark.parametrize(
    "name", ["strategies", "rank", "plan", "implement", "replace", "hunk", "diff", "file", "reflect"]
)
def test_what_varies_least_comes_first(name: str) -> None:
    """The server's prompt cache serves the beginning that two prompts share."""
    assert load_prompt(name).text.startswith("{context}\n")
    assert load_prompt(name).max_tokens > 0


def test_values_are_not_read_for_placeholders() -> None:
    made = Prompt("p", 1, 0, 'Fix {what}: {"json": "stays"}')
    assert made.placeholders == {"what"}
    assert made.fill(what="{what} {other}") == 'Fix {what} {other}: {"json": "stays"}'


def test_a_paragraph_without_values_is_left_out() -> None:
    made = Prompt("p", 1, 0, "Begin\n\n# History\n{history}\n\nBy {who} and {whom}\n\nEnd")
    assert made.fill(history="", who="", whom="B") == "Begin\n\nBy  and B\n\nEnd"


def test_a_missing_value_is_noticed() -> None:
    with pytest.raises(KeyError):
        Prompt("p", 1, 0, "{what}").fill()


@pytest.mark.parametrize("hostile", ["plain", "```\nescape\n```", "`````\nescape", "a ```` b"])
def test_nothing_closes_the_fence_it_is_in(hostile: str) -> None:
    fenced = fence(hostile, "python").splitlines()
    mark = fenced[-1]
    assert fenced[0] == f"{mark}python"
    assert all(mark not in line for line in fenced[1:-1])
