"""No process imports anything from the folder in which a command is typed, or from where a variable points."""

from pathlib import Path

import pytest

from .conftest import Hydra, repository

OURS = ("workers", "activities", "workflows", "hydranet", "hydra_cli", "temporal")
# Of Python and of packages that are imported early.
OTHERS = ("re", "site", "sitecustomize", "usercustomize", "typer", "pydantic", "encodings", "json")


@pytest.mark.parametrize("pythonpath", ["", ".:{folder}:/nowhere:"])
def test_nothing_is_imported_from_the_working_directory_or_from_pythonpath(
    own_hydra: Hydra, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pythonpath: str
) -> None:
    trace = tmp_path / "imported"
    code = f"open({str(trace)!r}, 'a').write(__name__ + chr(10))\n"
    files = {f"{name}/__init__.py": code for name in OURS} | {f"{name}.py": code for name in OTHERS}
    folder = repository(tmp_path / "repository", files)
    monkeypatch.chdir(folder)
    if pythonpath:
        own_hydra.env["PYTHONPATH"] = pythonpath.format(folder=folder)
    own_hydra.env["PYTHONSTARTUP"] = str(folder / "re.py")
    up = own_hydra("up")
    assert not trace.exists(), trace.read_text()
    assert up.returncode == 0, up.stderr
    assert own_hydra("runs").returncode == 0
    assert own_hydra("index", "--repo", folder).returncode == 0
    assert not trace.exists(), trace.read_text()


def test_a_newer_file_of_the_same_content_is_no_other_version(own_hydra: Hydra) -> None:
    assert own_hydra("up").returncode == 0
    module = Path(__file__).parents[2] / "workers" / "stack.py"
    module.touch()
    assert own_hydra("runs").returncode == 0
