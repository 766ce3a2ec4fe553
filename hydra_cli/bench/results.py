"""The results of a benchmark and their file, which a benchmark that was cut short goes on with."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hydra_cli.bench.conditions import Conditions
from hydranet.contracts import Counterfactual
from hydranet.errors import UsageError
from hydranet.settings import Settings


@dataclass(frozen=True)
class Reaped:
    """A branch that was reaped, its number of attempts, and how it ended when it was resumed."""

    branch: str
    attempts: int
    resumed: Counterfactual | None = None


@dataclass(frozen=True)
class Result:
    """The result of one instance; `seconds` is the run's own time, `hidden` says if its fix passes the hidden tests.

    So many `answers` were given to its questions.
    """

    id: str
    fixed: bool
    verdict: str
    attempts: int
    branches: int
    reaps: int
    tokens: int
    seconds: float
    reason: str
    run: str
    reaped: list[Reaped]
    hidden: bool | None = None
    answers: int = 0


@dataclass(frozen=True)
class Arm:
    """The conditions that a suite is run under."""

    settings: Settings
    reaper: bool
    resume_reaped: bool
    questions: int = 0

    def describe(self, suite: str) -> dict[str, Any]:
        """Return what two benchmarks have to have in common for their results to stand in one file."""
        return {
            "suite": suite,
            "model": self.settings.model,
            "reaper": self.reaper,
            "resume_reaped": self.resume_reaped,
            "questions": self.questions,
            "allocation": self.settings.allocation,
            "budget": self.settings.budget.model_dump(),
            "convergence": self.settings.convergence.model_dump(),
        }


class ResultFile:
    """A file of results, written after each instance; without a path nothing is kept."""

    def __init__(self, path: Path | None, suite: str, arm: Arm) -> None:
        self._path = path
        self._arm = arm.describe(suite)
        self._conditions = Conditions()
        self.results = self._read()

    def add(self, result: Result) -> None:
        """Take the result of an instance."""
        self.results[result.id] = result
        if self._path is not None:
            document = self._conditions.describe() | self._arm | _summarise(list(self.results.values()))
            part = self._path.with_name(f"{self._path.name}.part")
            part.write_text(json.dumps(document, indent=1, default=_dump) + "\n")
            part.replace(self._path)

    def _read(self) -> dict[str, Result]:
        """Return the results that the file has; UsageError where it is not one of the same conditions."""
        if self._path is None or not self._path.exists():
            return {}
        advice = "name another file with --json, or remove it"
        try:
            document = json.loads(self._path.read_text())
            results = TypeAdapter(list[Result]).validate_python(document["instances"])
        except (OSError, ValueError, ValidationError, KeyError, TypeError):
            raise UsageError(f"{self._path} exists, and holds no results of a benchmark: {advice}.") from None
        if others := [name for name, value in self._arm.items() if document.get(name) != value]:
            raise UsageError(f"{self._path} has results with another {others[0]}: {advice}.")
        return {result.id: result for result in results}


def _summarise(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "fixed": sum(result.fixed for result in results),
        "hidden": sum(result.hidden is True for result in results),
        "instances": [asdict(result) for result in results],
    }


def _dump(value: Any) -> Any:
    return value.model_dump()
