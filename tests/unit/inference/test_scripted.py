"""A script answers by purpose and numbers, so that a call that is made again gets the same answer."""

import json
from pathlib import Path

import pytest

from activities.inference.conversation import Exchange, Transcript
from activities.inference.protocols import ModelCall
from activities.inference.scripted import ScriptedClient
from hydranet.budget import Usage
from hydranet.errors import UsageError


def script(folder: Path, *lines: object) -> ScriptedClient:
    path = folder / "script.jsonl"
    path.write_text("\n\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return ScriptedClient(path)


async def answer(client: ScriptedClient, call: ModelCall) -> str:
    done = await client.complete(call, [], schema=None, temperature=0, seed=0, max_tokens=1)
    assert done.usage.calls == 1
    return done.text


async def test_the_most_specific_line_answers(tmp_path: Path) -> None:
    client = script(
        tmp_path,
        {"purpose": "plan", "answer": "any"},
        {"purpose": "plan", "branch": 2, "answer": "branch 2"},
        {"purpose": "plan", "branch": 2, "attempt": 3, "answer": "2.3"},
        {"purpose": "plan", "attempt": 1, "answer": "first attempts"},
        {"purpose": "strategies", "round": 1, "answer": {"strategies": []}},
    )
    said = [await answer(client, ModelCall("plan", *numbers)) for numbers in ((1, 2), (2, 1), (2, 3), (3, 1), (2, 3))]
    assert said == ["any", "branch 2", "2.3", "first attempts", "2.3"]
    assert await answer(client, ModelCall("strategies", round=1)) == '{"strategies": []}'
    assert await answer(client, ModelCall("strategies", round=2)) == ""
    assert await answer(client, ModelCall("reflect", 1, 1)) == ""


async def test_a_transcript_is_a_line_of_a_script(tmp_path: Path) -> None:
    usage = Usage(model="m", calls=1, prompt_tokens=10, output_tokens=5)
    transcript = Transcript(
        purpose="implement",
        branch=1,
        attempt=2,
        round=None,
        model="ollama:m",
        prompt="implement@1",
        exchanges=[
            Exchange(sample=0, messages=[{"role": "user", "content": "?"}], answer="one", usage=usage),
            Exchange(sample=2, answer="three", finish_reason="length"),
        ],
    )
    client = script(tmp_path, json.dumps({"time": "noon", **json.loads(transcript.model_dump_json())}))
    assert await answer(client, ModelCall("implement", 1, 2)) == "one"
    assert await answer(client, ModelCall("implement", 1, 2, sample=1)) == ""
    done = await client.complete(
        ModelCall("implement", 1, 2, sample=2), [], schema=None, temperature=0, seed=0, max_tokens=1
    )
    assert (done.text, done.finish_reason) == ("three", "length")
    assert str(await client.describe()) == f"1 scripted answers at {tmp_path / 'script.jsonl'}"


@pytest.mark.parametrize("line", ["{", '{"purpose": "cook"}', "[]", '{"answer": "x"}'])
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError, match=r"script\.jsonl line 3 is not a scripted answer"):
        script(tmp_path, {"purpose": "plan"}, line)


def test_an_unreadable_script_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        ScriptedClient(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        ScriptedClient(tmp_path / "binary")
