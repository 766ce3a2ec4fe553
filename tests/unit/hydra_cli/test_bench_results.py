"""A benchmark that was cut short goes on with the results that its file has."""

import json
from pathlib import Path

import pytest

from hydra_cli.bench.results import Arm, Reaped, Result, ResultFile
from hydranet.contracts import Counterfactual
from hydranet.errors import UsageError
from hydranet.genealogy import Ending
from hydranet.settings import Settings

ARM = Arm(Settings(model="templates"), reaper=True, resume_reaped=False)


def result(name: str) -> Result:
    resumed = Counterfactual(ending=Ending.SPENT, attempts=2)
    return Result(name, True, "fixed", 3, 2, 1, 0, 12.5, "It passes.", f"run-{name}", [Reaped("b01-x", 3, resumed)])


def test_what_is_in_the_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    first = ResultFile(path, "suite", ARM)
    first.add(result("one"))
    first.add(result("two"))
    again = ResultFile(path, "suite", ARM)
    assert again.results == {"one": result("one"), "two": result("two")}
    assert json.loads(path.read_text())["fixed"] == 2


@pytest.mark.parametrize(
    ("suite", "arm", "name"),
    [
        ("other", ARM, "suite"),
        ("suite", Arm(Settings(model="ollama:a"), reaper=True, resume_reaped=False), "model"),
        ("suite", Arm(Settings(model="templates"), reaper=False, resume_reaped=False), "reaper"),
        ("suite", Arm(Settings(model="templates"), reaper=True, resume_reaped=True), "resume_reaped"),
        ("suite", Arm(Settings(model="templates", allocation="order"), reaper=True, resume_reaped=False), "allocation"),
    ],
)
def test_results_of_other_conditions_are_refused(tmp_path: Path, suite: str, arm: Arm, name: str) -> None:
    path = tmp_path / "results.json"
    ResultFile(path, "suite", ARM).add(result("one"))
    before = path.read_text()
    with pytest.raises(UsageError, match=f"has results with another {name}: name another file"):
        ResultFile(path, suite, arm)
    assert path.read_text() == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"instances": [{"id": 3}]}', "\x00"])
def test_a_file_that_holds_no_results_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="holds no results of a benchmark"):
        ResultFile(path, "suite", ARM)
    assert path.read_text() == text


def test_without_a_path_nothing_is_written(tmp_path: Path) -> None:
    ResultFile(None, "suite", ARM).add(result("one"))
    assert list(tmp_path.iterdir()) == []
