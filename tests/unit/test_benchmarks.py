"""What the benchmarks keep, and what their page says of them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import recording
from benchmarks.recording import Experiment
from hydra_cli.bench.conditions import Conditions
from hydranet.errors import UsageError

ROOT = Path(__file__).parents[2]
README = (ROOT / "benchmarks" / "README.md").read_text()
LINKS = re.findall(r"\[([^\]]+)\]\(([^)#]+)(?:#([^)]+))?\)", README)
SCRIPTS = [path for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text()]
RESULTS = sorted(recording.RESULTS.iterdir())
CONDITIONS = {"date": "2026-01-02", "commit": None, "cores": 2, "memory_gib": None, "load": [1, 2]}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    monkeypatch.setattr(recording, "RESULTS", folder)
    return folder


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_what_is_kept_tells_its_conditions(path: Path) -> None:
    kept = Experiment.model_validate_json(path.read_bytes())
    assert kept.experiment == path.stem
    assert path.suffix == ".json"


def test_a_run_is_written_with_the_conditions_of_this_machine(tmp_path: Path) -> None:
    recording.write(tmp_path / "run.json", Conditions(), [{"id": "é"}], model="m")
    written = json.loads((tmp_path / "run.json").read_text())
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert head.startswith(written.pop("commit").removesuffix("-dirty"))
    assert written.pop("cores") >= 1
    assert 0.1 < written.pop("memory_gib") < 100_000
    low, high = written.pop("load")
    assert 0 <= low <= high
    assert len(written.pop("date")) == len("2026-01-02")
    assert written == {"model": "m", "rows": [{"id": "é"}]}


@pytest.mark.parametrize("rows", ["rows", "instances"])
def test_runs_are_kept_one_after_the_other(results: Path, tmp_path: Path, rows: str) -> None:
    for number in (1, 2):
        (tmp_path / "run.json").write_text(json.dumps({**CONDITIONS, "model": "m", rows: [{"fixed": number}]}))
        recording.keep("try", tmp_path / "run.json")
    kept = json.loads((results / "try.json").read_text())
    assert kept["experiment"] == "try"
    assert [run["rows"] for run in kept["runs"]] == [[{"fixed": 1}], [{"fixed": 2}]]
    assert {key: kept["runs"][0][key] for key in CONDITIONS} == CONDITIONS
    assert kept["runs"][0]["model"] == "m"


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{}",
        json.dumps(CONDITIONS),
        json.dumps(CONDITIONS | {"rows": []}),
        json.dumps({"rows": [{"id": "a"}]}),
        json.dumps(CONDITIONS | {"load": 3, "rows": [{"id": "a"}]}),
        json.dumps(CONDITIONS | {"date": "today", "rows": [{"id": "a"}]}),
    ],
)
def test_what_is_no_run_is_not_kept(results: Path, tmp_path: Path, document: str) -> None:
    (tmp_path / "run.json").write_text(document)
    with pytest.raises(UsageError, match="is no run") as raised:
        recording.keep("try", tmp_path / "run.json")
    assert len(str(raised.value).splitlines()) == 1
    assert list(results.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("benchmarks.recording", "try", "nowhere.json"),
        ("benchmarks.verify", "nowhere"),
        ("benchmarks.localisation", "benchmarks/spiral"),
    ],
)
def test_a_script_refuses_in_one_sentence(arguments: tuple[Any, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize(("text", "target", "heading"), LINKS)
def test_a_link_of_the_page_leads_to_what_it_says(text: str, target: str, heading: str) -> None:
    page = (ROOT / "benchmarks" / target).resolve()
    assert page.is_relative_to(ROOT)
    content = page.read_text()
    slugs = {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in content.splitlines()}
    assert not heading or heading in slugs
    if (heading or target.startswith("../")) and text != "two ways":
        assert text in " ".join(content.split()).replace("**", "").replace("`", "")


def test_a_figure_of_the_page_about_retrieval_is_in_its_tables() -> None:
    page = (ROOT / "docs" / "explanation" / "retrieval.md").read_text()
    figures = re.findall(r"\d+\.\d+", page.split("## Figures")[1].split("\n## ")[0])
    tables = set(re.findall(r"\d+\.\d+", (ROOT / "benchmarks" / "retrieval.md").read_text()))
    assert len(figures) > 5
    assert set(figures) <= tables


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_the_page_names_every_script(path: Path) -> None:
    assert f"`{path.stem}`" in README or f"benchmarks.{path.stem} " in README


def test_the_page_names_every_file_of_results() -> None:
    named = {target for _, target, _ in LINKS if target.startswith("results/")}
    assert named == {f"results/{path.name}" for path in RESULTS}
