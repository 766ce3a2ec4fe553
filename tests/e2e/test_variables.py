"""A secret in `sandbox.env`: the tests get it, and it stands in nothing that a run leaves."""

from __future__ import annotations

import asyncio
import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from hydranet.genealogy import Genealogy, Verdict
from hydranet.settings import Settings
from tests.e2e.conftest import Hydra, following, repository
from workers.connection import connect
from workers.sealing import SealingCodec, load_keys
from workers.stack import Stack, StackFolder

APP = "def scale(x):\n    return x + 2\n"
TEST = """
import os
import app

def test_scale():
    print(os.environ["TOKEN"], os.environ["LOGIN"])
    assert app.scale(3) == 6, (os.environ["TOKEN"], os.environ["LOGIN"])

def test_token():
    assert os.environ["TOKEN"].endswith("-4711")
"""
CODE = "```python\ndef scale(x):\n    return x {}\n```"
STRATEGY = {"title": "Scale", "kind": "wrong operator", "target_files": ["app.py"], "target_symbols": ["scale"]}
LOOK = "run python -m pytest -q"
SETUP = "echo $TOKEN $LOGIN"


@pytest.fixture
def words() -> dict[str, str]:
    return {"TOKEN": f"{uuid.uuid4().hex}-4711", "LOGIN": f"me:{uuid.uuid4().hex} ü"}


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A model that runs the tests, is wrong once, and then right."""
    lines = [
        {"purpose": "strategies", "round": 1, "answer": {"strategies": [STRATEGY]}},
        {"purpose": "plan", "answer": {"summary": "scale", "steps": "", "investigate": [LOOK]}},
        {"purpose": "reflect", "answer": {"lesson": "it did not help", "next": "another way"}},
        {"purpose": "implement", "branch": 1, "attempt": 1, "answer": CODE.format("+ 4")},
        {"purpose": "implement", "branch": 1, "attempt": 2, "answer": CODE.format("* 2")},
    ]
    file = tmp_path / "script.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return f"scripted:{file}"


@pytest.fixture
def secretive(own_hydra: Hydra, words: dict[str, str]) -> Hydra:
    """A stack that is up, and whose user has a secret for the tests."""
    # No environment of these tests serves others, since the stack has a key of its own.
    (own_hydra.data / "cache").unlink()
    assert own_hydra("up").returncode == 0
    own = {"TEMPLATES_FIRST": "false", "ALLOCATION": "order", "SANDBOX__ENV": json.dumps(words)}
    own["SANDBOX__SETUP"] = json.dumps([SETUP])
    own_hydra.env |= {f"HYDRA_{name}": value for name, value in own.items()}
    return own_hydra


def attach(hydra: Hydra) -> Stack:
    stack = StackFolder(hydra.data).find_stack()
    assert stack is not None
    return stack


async def histories(hydra: Hydra, genealogy: Genealogy) -> str:
    """Return the histories of a run and its branches, with every payload opened."""
    keys = load_keys(Settings(data_dir=hydra.data))
    client = await connect(attach(hydra).temporal, keys)
    names = [genealogy.run_id, *(branch.id for branch in genealogy.branches)]
    return "\n".join([await opened(client, name, SealingCodec(keys)) for name in names])


async def opened(client: Client, name: str, codec: SealingCodec) -> str:
    parts = []
    async for event in client.get_workflow_handle(name).fetch_history_events():
        parts.append(str(event))
        for payload in find_payloads(event):
            parts += [part.data.decode(errors="replace") for part in await codec.decode([payload])]
    return "\n".join(parts)


def find_payloads(message: object) -> Iterator[Payload]:
    """Yield every payload in a message of Temporal's."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():  # type: ignore[attr-defined]
        if field.message_type is None:
            continue
        values = value.values() if field.message_type.GetOptions().map_entry else value
        for part in values if field.is_repeated else [value]:
            if hasattr(part, "ListFields"):
                yield from find_payloads(part)


def artifacts(hydra: Hydra) -> tuple[str, int]:
    """Return all artifacts, and how many values of variables are kept."""
    with psycopg.connect(attach(hydra).database) as connection:
        texts = [bytes(data).decode(errors="replace") for (data,) in connection.execute("SELECT data FROM artifacts")]
        records = [text for (text,) in connection.execute("SELECT genealogy::text FROM runs")]
        records += [text for (text,) in connection.execute("SELECT branch::text FROM branches")]
        count = connection.execute("SELECT count(*) FROM sandbox_variables").fetchone()
    assert count is not None
    return "\n".join([*texts, *records]), count[0]


def test_the_word_stands_in_nothing_that_a_run_leaves(
    secretive: Hydra, words: dict[str, str], model: str, tmp_path: Path
) -> None:
    root = repository(tmp_path / "secretive", {"app.py": APP, "test_app.py": TEST})
    done = secretive("fix", "--repo", root, "--issue", "it does not scale", "--model", model, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    genealogy = Genealogy.model_validate(json.loads(done.stdout)["genealogy"])
    assert (genealogy.verdict, genealogy.attempts) == (Verdict.FIXED, 2)
    stored, kept = artifacts(secretive)
    page = tmp_path / "report.html"
    assert secretive("report", genealogy.run_id, "--output", page).returncode == 0
    views = {
        "fix": done.stdout + done.stderr,
        "histories": asyncio.run(histories(secretive, genealogy)),
        "artifacts": stored,
        "page": page.read_text(),
    }
    for command in ("log", "log --transcript", "show", "show --json", "report"):
        name, *options = command.split()
        views[command] = secretive(name, genealogy.run_id, *options).stdout
    assert all(views.values())
    # The names may be seen, and what was printed shows that it was masked.
    assert "TOKEN" in views["histories"]
    for view in ("histories", "artifacts", "log --transcript"):
        assert "<sandbox.env.TOKEN>" in views[view], view
    for word in words.values():
        plain = word.removesuffix(" ü")
        assert [view for view, text in views.items() if plain in text] == []
        # All files: logs, scratch, both databases, and the cache.
        files = subprocess.run(["grep", "-rlFa", plain, secretive.data, root], capture_output=True, text=True)
        assert (files.returncode, files.stdout) == (1, ""), files.stderr
    assert kept == 0


def test_values_are_removed_when_a_run_is_aborted(
    secretive: Hydra, words: dict[str, str], model: str, tmp_path: Path
) -> None:
    root = repository(tmp_path / "slow", {"app.py": APP, "test_app.py": "import time\ndef test_a(): time.sleep(60)\n"})
    started = secretive("fix", "--repo", root, "--issue", "slow", "--model", model, "--detach")
    assert started.returncode == 0, started.stderr
    assert artifacts(secretive)[1] == len(words)
    # The same command follows the open run, and keeps nothing of its own.
    assert secretive("fix", "--repo", root, "--issue", "slow", "--model", model, "--detach").returncode == 0
    assert artifacts(secretive)[1] == len(words)
    follower = secretive.start("fix", "--repo", root, "--issue", "slow", "--model", model)
    # A run that has ended is not followed: the command would start another.
    following(follower, "running the tests")
    assert secretive("abort", started.stdout.split()[1]).returncode == 0
    follower.communicate(timeout=60)
    assert follower.returncode == 3
    assert artifacts(secretive)[1] == 0
