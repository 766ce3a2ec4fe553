"""The Reaper on demand: a model that circles at the symptom, two files downstream of the cause."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import SEEDED, Hydra

SUITE = SEEDED.parent / "spiral"


@pytest.fixture
def spiral(hydra: Hydra) -> Iterator[Hydra]:
    """Budgets of 10 attempts' worth of tokens."""
    settings = {
        "HYDRA_TEMPLATES_FIRST": "false",
        "HYDRA_BUDGET__TOKENS": "20000",
        "HYDRA_BUDGET__ATTEMPTS_PER_BRANCH": "10",
    }
    hydra.env.update(settings)
    yield hydra
    for name in settings:
        del hydra.env[name]


def bench(hydra: Hydra, folder: Path, *flags: str) -> dict[str, Any]:
    out = folder / "results.json"
    done = hydra("bench", "--suite", SUITE, "--model", f"scripted:{SUITE / 'model.jsonl'}", "--json", out, *flags)
    assert done.returncode == 0, done.stderr
    (instance,) = json.loads(out.read_text())["instances"]
    return dict(instance)


def test_a_spiral_is_reaped_at_its_third_attempt_and_the_next_strategy_wins(spiral: Hydra, tmp_path: Path) -> None:
    reaped = bench(spiral, tmp_path, "--resume-reaped")
    assert (reaped["verdict"], reaped["attempts"], reaped["branches"]) == ("fixed", 4, 2)
    (branch,) = reaped["reaped"]
    assert branch["attempts"] == 3
    assert branch["resumed"] == {"ending": "spent", "attempts": 7, "tokens": 14_000}

    run = str(reaped["run"])
    genealogy = json.loads(spiral("show", run, "--json").stdout)
    assert [one["score"]["value"] > 0.75 for one in genealogy["branches"][0]["attempts"]] == [False, False, True]
    assert "tank/report.py" in genealogy["branches"][0]["reason"]
    assert genealogy["branches"][1]["strategy"]["target_files"] == ["tank/reader.py"]

    attempts = tmp_path / "attempts.jsonl"
    attempts.write_text(spiral("log", run, "--attempts").stdout)
    judged = json.loads(spiral("score", attempts, "--json").stdout)
    recorded = [one["score"]["value"] for branch in genealogy["branches"] for one in branch["attempts"]]
    assert [one["score"] for one in judged] == recorded
    assert [one["dead"] for one in judged] == [False, False, True, False]


def test_without_the_reaper_it_circles_until_its_budget_is_spent(spiral: Hydra, tmp_path: Path) -> None:
    spent = bench(spiral, tmp_path, "--no-reaper")
    assert (spent["verdict"], spent["attempts"], spent["branches"], spent["reaps"]) == ("exhausted", 10, 1, 0)


def test_nothing_reaped_cannot_be_resumed(hydra: Hydra) -> None:
    done = hydra("bench", "--suite", SUITE, "--no-reaper", "--resume-reaped")
    assert done.returncode == 2
    assert "leave out one of the two" in done.stderr
