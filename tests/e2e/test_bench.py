"""`hydra bench` on the suite of our own."""

import json
from pathlib import Path

from tests.e2e.conftest import SEEDED, Hydra


def test_a_suite_is_run_and_reported(hydra: Hydra, tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    done = hydra("bench", "--suite", SEEDED, "--only", "depot-tiers", "--model", "templates", "--json", out)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 fixed" in done.stdout
    document = json.loads(out.read_text())
    assert document["cores"] >= 1
    assert document["memory_gib"] > 0
    assert len(document["load"]) == 2
    (instance,) = document["instances"]
    assert (instance["id"], instance["fixed"], instance["verdict"], instance["tokens"]) == (
        "depot-tiers",
        True,
        "fixed",
        0,
    )
    assert instance["attempts"] >= instance["branches"] > 0
    assert instance["branches"] > 1
    assert instance["seconds"] > 0
    assert "tier_for" in instance["reason"]
