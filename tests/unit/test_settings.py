import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from hydranet import settings
from hydranet.contracts import SandboxSpec
from hydranet.errors import UsageError
from tests import settings_reference


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def write(folder: Path, **values: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / settings.CONFIG_NAME).write_text(json.dumps(values))
    return folder


def test_flags_win_over_the_environment_and_that_over_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "config" / "hydranet", budget={"tokens": 1, "branches": 1, "seconds": 1})
    repository = write(tmp_path / "repo", budget={"branches": 2, "seconds": 2})
    monkeypatch.setenv("HYDRA_BUDGET__SECONDS", "3")
    chosen = settings.load_settings(repository, {"budget": {"seconds": None, "attempts_per_branch": 4}})
    assert (chosen.budget.tokens, chosen.budget.branches) == (1, 2)
    assert (chosen.budget.seconds, chosen.budget.attempts_per_branch) == (3, 4)


def test_a_repository_may_not_say_where_code_goes(tmp_path: Path) -> None:
    repository = write(tmp_path / "repo", model="openai:http://elsewhere/v1#m")
    with pytest.raises(UsageError, match=r"may not set 'model', .*: move it to"):
        settings.load_settings(repository)


@pytest.mark.parametrize("key", ["backend", "image", "runtime", "warm"])
def test_a_repository_may_not_choose_its_own_walls(tmp_path: Path, key: str) -> None:
    repository = write(tmp_path / "repo", sandbox={"test_command": "make test", key: "bubblewrap"})
    with pytest.raises(UsageError, match=rf"may not set 'sandbox\.{key}', .*: move it to"):
        settings.load_settings(repository)


def test_what_only_the_user_says_of_the_sandbox_stays_on_the_node() -> None:
    class Request(BaseModel):
        sandbox: SandboxSpec

    sent = Request(sandbox=settings.SandboxSettings(backend="docker")).model_dump_json()
    assert "docker" not in sent
    assert Request.model_validate_json(sent).sandbox == SandboxSpec()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"colour": 1}, "no setting 'colour'"),
        ({"budget": {"tokns": 1}}, "no setting 'budget.tokns'"),
        ({"budget": {"branches": 0}}, "'budget.branches' is wrong"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path: Path, values: dict[str, object], sentence: str) -> None:
    write(tmp_path / "config" / "hydranet", **values)
    with pytest.raises(UsageError, match=sentence):
        settings.load_settings()


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "repo") / settings.CONFIG_NAME
    file.write_text("{")
    with pytest.raises(UsageError, match="not valid JSON"):
        settings.load_settings(tmp_path / "repo")


def test_the_reference_and_the_example_are_those_of_the_definitions() -> None:
    hint = "run `make settings`"
    assert settings_reference.REFERENCE.read_text() == settings_reference.render_reference(), hint
    assert settings_reference.EXAMPLE.read_text() == settings_reference.render_example(), hint


def test_the_example_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    defaults = settings.load_settings()
    write(tmp_path / "config" / "hydranet", **json.loads(settings_reference.EXAMPLE.read_text()))
    assert settings.load_settings() == defaults
    assert defaults.data_dir == tmp_path / ".local" / "share" / "hydranet"
