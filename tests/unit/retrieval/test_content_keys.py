import re
from pathlib import Path

import pytest

import activities
from activities.retrieval import content_keys


def test_code_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_keys, "_CODE", ("retrieval/languages", "retrieval/gone.py"))
    with pytest.raises(FileNotFoundError):
        content_keys.parser_version.__wrapped__()


def test_every_part_of_the_code_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = content_keys.parser_version()
    for name in content_keys._CODE:
        monkeypatch.setattr(content_keys, "_CODE", (name,))
        assert content_keys.parser_version.__wrapped__() != whole


def test_the_code_imports_nothing_of_the_activities_that_does_not_count() -> None:
    root = Path(activities.__file__).parent
    files = [root / name for name in content_keys._CODE]
    modules = [module for file in files for module in (file.rglob("*.py") if file.is_dir() else [file])]
    counted = tuple(f"activities.{name.removesuffix('.py').replace('/', '.')}" for name in content_keys._CODE)
    for module in modules:
        imported = re.findall(r"^from (activities\.[\w.]+) import", module.read_text(), re.MULTILINE)
        assert [name for name in imported if not name.startswith(counted)] == []
