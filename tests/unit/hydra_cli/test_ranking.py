"""Retrieval measured on seeded bugs whose fix is known."""

import json
from pathlib import Path

import pytest

from hydra_cli.bench.ranking import find_changed_functions
from hydra_cli.bench.retrieval import bench_retrieval
from hydra_cli.bench.suite import read_suite
from hydranet.errors import UsageError

HOPS = Path(__file__).parents[3] / "benchmarks" / "hops"
CHOSEN = ["gazette-photo", "orchard-slip"]


def test_a_suite_is_measured_with_its_controls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described, instances = read_suite(HOPS, CHOSEN)
    bench_retrieval(described.name, instances, {}, tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    assert set(document["modes"]) >= {
        *("bm25", "vector", "fusion", "graph", "random neighbours", "no edges", "without calls"),
        "fusion, as many files",
    }
    assert list(document["modes"]["graph"]["recall"]) == ["1", "5", "10", "20"]
    assert document["modes"]["graph"]["recall"]["10"] == 1.0
    assert document["modes"]["fusion"]["recall"]["10"] == 0.0
    assert [one["id"] for one in document["instances"]] == CHOSEN
    ranks = document["instances"][0]["ranks"]["issue"]["graph"]
    assert 1 <= ranks["files"]["gazette/common/tidy.py"] <= 10
    assert 1 <= ranks["functions"]["gazette/common/tidy.py::tidied"] <= 20
    assert "gazette-photo" in capsys.readouterr().out


def test_a_suite_without_gold_cannot_be_measured(tmp_path: Path) -> None:
    (tmp_path / "a" / "repo").mkdir(parents=True)
    (tmp_path / "suite.json").write_text('{"name": "s", "instances": ["a"]}')
    (tmp_path / "a" / "instance.json").write_text('{"id": "a", "issue": "It breaks."}')
    described, instances = read_suite(tmp_path, [])
    with pytest.raises(UsageError, match="gold_files"):
        bench_retrieval(described.name, instances, {}, None)


def test_the_functions_that_a_patch_changes() -> None:
    source = "import os\n\n\ndef one():\n    return 1\n\n\nclass Two:\n    def three(self):\n        x = 3\n        y\n"
    patch = (
        "--- a/m.py\n+++ b/m.py\n@@ -4,2 +4,2 @@ x\n def one():\n-    return 1\n+    return 2\n"
        "@@ -9,3 +9,4 @@\n     def three(self):\n         x = 3\n+        x += 1\n         return x\n"
    )
    assert find_changed_functions(patch, {"m.py": source}) == ("m.py::one", "m.py::Two.three")
