"""What models say is read leniently, checked strictly, and never breaks the reader."""

import json
import random

import pytest

from activities.inference.answers import (
    KINDS,
    REWRITE,
    AnswerError,
    Hypothesis,
    PlanWords,
    Reflection,
    build_schema,
    parse_answer,
    parse_hypotheses,
    strip_thoughts,
)

PLAN = {"summary": "compare with <=", "steps": "in the loop"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(PLAN),
        f"```json\n{json.dumps(PLAN)}\n```",
        f"Sure, here is the plan:\n\n{json.dumps(PLAN, indent=2)}\n\nI hope this helps!",
        '{"summary": "compare with <=", "steps": "in the loop",}',
        '{"summary": "compare with <=", "steps": "in the loop"',
        '{"summary": "compare with <=", "steps": "in the loop',
        "{summary: 'compare with <=', steps: 'in the loop'}",
        f"<think>It may be {{the}} loop.</think>{json.dumps(PLAN)}",
        json.dumps([PLAN]),
        json.dumps(PLAN | {"confidence": 0.9}),
    ],
)
def test_a_plan_is_found_in_whatever_stands_around_it(text: str) -> None:
    plan = parse_answer(text, PlanWords)
    assert (plan.summary, plan.steps) == ("compare with <=", "in the loop")


def test_lists_and_objects_become_text() -> None:
    plan = parse_answer('{"summary": "s", "steps": ["one", {"then": "two"}, null]}', PlanWords)
    assert plan.steps == "one\nthen: two\n"


@pytest.mark.parametrize("text", ["", "no json here", "{}", "[]", "[1, 2]", '{"steps": "only"}', "[" * 5000])
def test_what_is_no_plan_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(AnswerError) as refused:
        parse_answer(text, PlanWords)
    assert str(refused.value).endswith(".")


def test_long_texts_are_clipped_to_their_bound() -> None:
    assert len(parse_answer(json.dumps({"lesson": "x" * 5000}), Reflection).lesson) == 1500


def test_hypotheses_come_one_by_one_and_bad_ones_are_left_out() -> None:
    answer = {"strategies": [{"title": "A", "target_files": "a.py, b.py"}, {"no": "title"}, 7, {"title": " "}]}
    found = parse_hypotheses(json.dumps(answer))
    assert [(one.title, one.target_files) for one in found] == [("A", ["a.py", "b.py"])]


def test_a_single_hypothesis_or_a_bare_list_will_do() -> None:
    assert [one.title for one in parse_hypotheses('{"title": "A", "target_symbols": ["f()"]}')] == ["A"]
    assert [one.title for one in parse_hypotheses('[{"title": "A"}, {"title": "B"}]')] == ["A", "B"]


@pytest.mark.parametrize(
    ("title", "kind", "known"),
    [
        ("Fix it", "Missing Guard", "missing guard"),
        ("Fix it", "a missing guard, I think", "missing guard"),
        ("wrong operator in gcd", "rewrite function", "wrong operator"),
        ("Fix it", "quantum effects", REWRITE),
    ],
)
def test_the_kind_is_one_of_the_known_ones_however_it_is_worded(title: str, kind: str, known: str) -> None:
    assert Hypothesis(title=title, kind=kind).kind == known
    assert known in KINDS


def test_thoughts_are_no_part_of_the_answer() -> None:
    assert strip_thoughts("<think>{a: 1}</think>\nYes") == "\nYes"
    assert strip_thoughts("<think>never ended") == ""
    assert strip_thoughts("Opened by the chat template.\n</think>\n\nYes") == "\n\nYes"
    assert strip_thoughts('said.partition("</think>")') == 'said.partition("</think>")'


def test_the_schema_names_every_field_and_nothing_else() -> None:
    shape = build_schema(Hypothesis, {"kind": {"enum": list(KINDS)}})
    assert shape["required"] == list(Hypothesis.model_fields)
    assert shape["properties"]["target_files"] == {"type": "array", "items": {"type": "string"}}
    assert shape["properties"]["kind"]["enum"] == list(KINDS)
    assert shape["additionalProperties"] is False


def test_mangled_answers_raise_nothing_else() -> None:
    whole = json.dumps({"strategies": [{"title": "A", "kind": "x", "target_files": ["a.py"]}], **PLAN})
    chance = random.Random(1)
    for _ in range(1000):
        text = list(f"```json\n{whole}\n```")
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(text) + 1)
            text[at : at + chance.randrange(8)] = chance.choices('{}[]",:\\\n\0é☃\ud800`0aN-', k=chance.randrange(4))
        mangled = "".join(text)
        for attempt in (
            lambda said: parse_answer(said, PlanWords),
            lambda said: parse_answer(said, Reflection),
            parse_hypotheses,
        ):
            try:
                attempt(mangled)
            except AnswerError:
                continue
