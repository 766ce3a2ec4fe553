"""Retrieval measured on bugs whose fix is known, and the recall of it."""

import json
from pathlib import Path

import pytest

from hydra_cli.bench.ranking import Share, estimate_difference, estimate_share, find_changed_functions, measure_recall
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
    assert [instance["id"] for instance in document["instances"]] == CHOSEN
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


def test_recall_is_the_share_of_what_was_to_be_found() -> None:
    ranks = {"a.py": 1, "b.py": 7, "c.py": None, "d.py": 11}
    assert [measure_recall(ranks, keep) for keep in (1, 5, 10, 20)] == [0.25, 0.25, 0.5, 0.75]


def test_an_interval_is_around_its_mean_and_narrows() -> None:
    few, many = estimate_share([0.0, 1.0, 1.0, 1.0]), estimate_share([0.0, 1.0, 1.0, 1.0] * 50)
    assert few.mean == many.mean == 0.75
    assert few.low < many.low < 0.75 < many.high < few.high
    assert estimate_share([1.0] * 9) == Share(1.0, 1.0, 1.0)
    assert estimate_share([]) == Share(0.0, 0.0, 0.0)


def test_a_difference_is_taken_instance_by_instance() -> None:
    assert estimate_difference([1.0, 0.0, 1.0], [0.0, 0.0, 1.0]).mean == pytest.approx(0.3333)
    assert estimate_difference([0.5, 0.5], [0.5, 0.5]) == Share(0.0, 0.0, 0.0)
