"""The variables of `sandbox.env` in a real sandbox: tests get them, and what comes back does not hold them."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from activities.artifacts.variables import HeldVariables
from activities.sandbox.virtual_environments import EnvironmentCache
from hydranet.contracts import PrepareRequest, Spectrum
from tests.integration.conftest import Make, Project

WORDS = ["hush-hush-4711", "p@ss 'w0rd' 12"]
APP = "def scale(x):\n    return x + 2\ndef read():\n    import os\n    return os.environ['TOKEN']\n"
TESTS = """
import os
import app, pytest

def test_token():
    print(os.environ["TOKEN"])
    assert app.read() == os.environ["TOKEN"]

@pytest.mark.parametrize("token", [os.environ["TOKEN"]])
def test_scale(token):
    print(token)
    assert app.scale(2) == 4 and token
    assert app.scale(3) == 6, token
"""


def told(made: Project, folder: Path, *answers: object) -> str:
    """Everything that came back: the answers and the artifacts."""
    artifacts = [path.read_text(errors="replace") for path in (folder / "artifacts").rglob("*") if path.is_file()]
    return "\n".join([*map(repr, answers), *artifacts])


@pytest.mark.parametrize("word", WORDS)
async def test_what_tests_print_of_their_variables_is_masked(project: Make, tmp_path: Path, word: str) -> None:
    made = await project({"app.py": APP, "test_app.py": TESTS}, env={"TOKEN": word})
    report = await made.test()
    assert (report.passing_count, report.failing) == (1, ("test_app.py::test_scale[<sandbox.env.TOKEN>]",))
    spectrum = await made.cover(report.results)
    assert isinstance(spectrum, Spectrum)
    fix = await made.change("app.py", "x + 2", "x * 2")
    wrong = await made.change("app.py", "x + 2", "x + 3")
    trial = await made.attempt(report.results, [wrong, fix])
    # The test with the value in its id is found again.
    assert (trial.report.passed, trial.title) == (True, "x * 2")
    everything = told(made, tmp_path, report, spectrum, trial)
    assert "<sandbox.env.TOKEN>" in everything
    assert word not in everything
    # Nor a part of it. Numbers alone may be in a time.
    assert "hush" not in everything
    assert "w0rd" not in everything


@pytest.mark.parametrize(
    "line", ["echo token $TOKEN; exit 3", "python3 -c 'import os; raise ValueError(os.environ[\"TOKEN\"])'"]
)
async def test_a_setup_that_fails_does_not_tell_them(project: Make, bare_cache: Path, line: str) -> None:
    made = await project({"app.py": APP}, env={"TOKEN": WORDS[0]}, setup=(line,))
    made.activities._cache = bare_cache
    with pytest.raises(ApplicationError) as raised:
        await made.activities.prepare_environment(PrepareRequest(snapshot=made.snapshot, spec=made.spec))
    assert "<sandbox.env.TOKEN>" in str(raised.value)
    assert WORDS[0] not in str(raised.value)


async def test_an_environment_is_found_again_with_the_same_values_only(
    project: Make, bare_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[str] = []
    set_up = EnvironmentCache._set_up

    async def count(self: EnvironmentCache, *arguments: object) -> None:
        prepared.append("")
        await set_up(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(EnvironmentCache, "_set_up", count)
    counts: list[int] = []
    keys: list[str] = []
    made = await project({"app.py": APP}, setup=("test $TOKEN",))
    made.activities._cache = bare_cache
    variables = made.activities._variables
    assert isinstance(variables, HeldVariables)
    for word in ("1", "1", "2"):
        spec = made.spec.model_copy(update={"env": variables.hold({"TOKEN": word})})
        environment = await made.activities.prepare_environment(PrepareRequest(snapshot=made.snapshot, spec=spec))
        keys.append(environment.key)
        counts.append(len(prepared))
    assert keys[0] == keys[1] != keys[2]
    assert counts == [1, 1, 2]
    assert [path for path in bare_cache.rglob("*") if "TOKEN" in path.name] == []
