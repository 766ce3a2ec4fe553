"""Files of results: `--json FILE` of a script is a run, and `results/EXPERIMENT.json` holds the runs that are kept.

Run with `python -m benchmarks.recording EXPERIMENT FILE` to keep a run. FILE is what `--json` of a script here or of
`hydra bench` has written: the conditions (date, commit, cores, memory, load), what was run, and the raw rows. What
was not recorded is null.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from benchmarks import run
from hydra_cli.bench.conditions import Conditions
from hydranet.errors import UsageError
from hydranet.invalid_values import explain_field

RESULTS = Path(__file__).with_name("results")


class Run(BaseModel):
    """A measurement: its conditions, what was run as further keys, and its raw rows."""

    model_config = ConfigDict(extra="allow")

    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    commit: str | None
    cores: int | None
    memory_gib: float | None
    load: tuple[float, float] | None
    # `hydra bench` calls them instances.
    rows: Annotated[list[dict[str, Any]], Field(min_length=1, validation_alias=AliasChoices("rows", "instances"))]


class Experiment(BaseModel):
    """The runs of an experiment, the oldest first."""

    model_config = ConfigDict(extra="forbid")

    experiment: str
    runs: Annotated[list[Run], Field(min_length=1)]


def write(file: Path, conditions: Conditions, rows: Sequence[dict[str, Any]], **facts: Any) -> None:
    """Write a run to a file."""
    _write(file, {**conditions.describe(), **facts, "rows": rows})


def keep(experiment: str, file: Path) -> Path:
    """Add the run in a file to the experiment's results, and return where they are."""
    try:
        added = Run.model_validate_json(file.read_bytes()).model_dump()
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}): name a file that --json has written.") from None
    except ValidationError as error:
        raise UsageError(f"{file} is no run ({explain_field(error)}): name a file that --json has written.") from None
    rows = added.pop("rows")
    target = RESULTS / f"{experiment}.json"
    kept = json.loads(target.read_text())["runs"] if target.exists() else []
    _write(target, {"experiment": experiment, "runs": [*kept, {**added, "rows": rows}]})
    return target


def _write(file: Path, document: dict[str, Any]) -> None:
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    """Keep a run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("experiment")
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    print(f"{given.file} is kept in {keep(given.experiment, given.file)}")


if __name__ == "__main__":
    run(main)
