"""The stack imports nothing from the folder in which a command is typed."""

from pathlib import Path

import pytest

from .conftest import Hydra


@pytest.mark.parametrize("package", ["workers", "activities", "hydranet"])
def test_a_folder_named_like_a_package_is_not_imported(
    own_hydra: Hydra, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    folder = tmp_path / "repository" / package
    folder.mkdir(parents=True)
    trace = tmp_path / "imported"
    (folder / "__init__.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    monkeypatch.chdir(folder.parent)
    up = own_hydra("up")
    assert not trace.exists()
    assert up.returncode == 0, up.stderr
